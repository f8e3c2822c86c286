"""SpliceAI's module: context, strands, and values that do not depend on the window."""

import pytest
import torch
from torch.nn import functional as F

from cases import draw_noise
from grelu_models.errors import ModelError
from grelu_models.models.spliceai import CONTEXTS, STAGES, SpliceAI
from spliceai_files import name_tensors

CONTEXT = 400


def make_model(context=CONTEXT, *, slope=0.0):
    model = SpliceAI(channels=4, context=context, slope=slope)
    model.load_state_dict(name_tensors(context))
    return model.eval()


def draw_bases(length, *, seed=-1):
    codes = ((draw_noise(length, seed=seed) + 1) * 1.99).long()
    return F.one_hot(codes, 4).T[None].float()


def pad_and_crop(model, x, *, slope):
    """Acceptor and donor of the plus strand by padded layers, with the context cropped last."""
    state, at = model.state_dict(), 0

    def conv(name, x, dilation=1):
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return F.conv1d(x, weight, bias, dilation=dilation, padding="same")

    x = conv("initial_conv", x)
    total = conv("initial_skip.conv", x)
    for _, dilation in STAGES[: CONTEXTS[model.context]]:
        for unit in range(at, at + 4):
            out = x
            for i in (1, 2):
                kinds = ("running_mean", "running_var", "weight", "bias")
                norm = [state[f"residual_units.{unit}.batchnorm{i}.{kind}"] for kind in kinds]
                out = F.leaky_relu(F.batch_norm(out, *norm, eps=0.001), slope)
                out = conv(f"residual_units.{unit}.conv{i}", out, dilation)
            x = x + out
        total = total + conv(f"residual_units.{at + 4}.conv", x)
        at += 5
    crop = model.context // 2
    return torch.softmax(conv("final_conv", total)[..., crop:-crop], dim=1)[:, 1:]


@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize("context", [80, 400, 2000])
def test_values_are_those_of_padded_layers(context, slope):
    model, bases = make_model(context, slope=slope), draw_bases(context + 300)
    with torch.inference_mode():
        found, expected = model(bases)[:, :2], pad_and_crop(model, bases, slope=slope)
    assert found.shape == expected.shape == (1, 2, 300)
    assert expected.std() > 0.1
    assert (found - expected).abs().max() < 1e-6


def test_values_at_an_end_of_a_contig_are_those_of_padded_layers():
    model, bases = make_model(), draw_bases(CONTEXT + 300)
    bases[..., : CONTEXT // 2] = 0
    with torch.inference_mode():
        expected = pad_and_crop(model, bases, slope=0)
        assert (model(bases)[:, :2] - expected).abs().max() < 1e-6


def test_the_tracks_are_parts_of_probabilities():
    with torch.inference_mode():
        out = make_model()(draw_bases(1000))
    assert out.shape == (1, 4, 600)
    assert (out >= 0).all() and (out[:, :2].sum(1) <= 1 + 1e-6).all()
    assert (out[:, :2].sum(1) < 0.9).any()  # the rest is "neither"


def test_values_do_not_depend_on_the_window():
    model, bases = make_model(), draw_bases(3000)
    with torch.inference_mode():
        whole = model(bases)
        for start, length in ((0, 401), (700, 450), (123, 1800)):
            part = model(bases[..., start : start + length])
            kept = whole[..., start : start + length - CONTEXT]
            assert (part - kept).abs().max() < 1e-6


def test_the_tracks_of_both_strands_swap_with_the_reverse_complement():
    model, bases = make_model(), draw_bases(900)
    with torch.inference_mode():
        found, turned = model(bases), model(bases.flip(1, 2))
    assert torch.equal(turned, found[:, [2, 3, 0, 1]].flip(2))
    assert (turned - found).abs().max() > 0.1


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_value_depends_on_half_the_context_on_each_side(side):
    model, bases = make_model(), draw_bases(900)
    bases[..., 0 if side == "left" else -1] = torch.nan
    with torch.inference_mode():
        reached = model(bases).isnan().any(dim=1).flatten().nonzero().flatten()
    assert reached.tolist() == [0 if side == "left" else 499]


@pytest.mark.parametrize("tracks", [[0], [3], [3, 1, 0], [2, 3], [0, 1, 2, 3]])
def test_kept_tracks_are_those_of_the_whole_model(tracks):
    model, bases = make_model(), draw_bases(600)
    with torch.inference_mode():
        whole = model(bases)
        model.keep_tracks(tracks)
        assert torch.equal(model(bases), whole[:, tracks])


@pytest.mark.parametrize(("tracks", "passes"), [([1], 1), ([2, 3], 1), ([1, 2], 2)])
def test_a_strand_without_a_track_is_not_computed(tracks, passes, monkeypatch):
    model, seen = make_model(), []
    compute = model.predict_strand
    monkeypatch.setattr(model, "predict_strand", lambda x: seen.append(1) or compute(x))
    model.keep_tracks(tracks)
    model(draw_bases(500))
    assert len(seen) == passes


def test_tracks_are_kept_of_those_that_remain():
    model, bases = make_model(), draw_bases(500)
    with torch.inference_mode():
        whole = model(bases)
        model.keep_tracks([3, 0])
        model.keep_tracks([1])
        assert torch.equal(model(bases), whole[:, [0]])
    with pytest.raises(ModelError, match="^track 1 does not exist: the model has tracks 0 to 0$"):
        model.keep_tracks([1])
    with pytest.raises(ModelError, match="^no track is selected: the model has tracks 0 to 0$"):
        model.keep_tracks([])


def test_a_window_within_the_context_is_refused():
    with pytest.raises(ModelError) as error:
        make_model()(draw_bases(400))
    assert str(error.value) == (
        "a window of 400 bp has no base with 200 bp of context on both sides: use more than 400 bp"
    )


def test_an_unknown_context_is_refused():
    with pytest.raises(ModelError) as error:
        SpliceAI(context=1000)
    known = "80, 400, 2,000, 10,000"
    assert str(error.value) == f"SpliceAI has no context of 1000 bp: use one of {known}"
