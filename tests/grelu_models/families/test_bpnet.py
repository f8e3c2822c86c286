"""BPNet and ChromBPNet give the values of bpnet-lite, chrombpnet and basepairmodels.

bpnet_references.json holds values of these programs.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bpnet_files import read, write_keras, write_torch
from bpnet_references import REFERENCES, make_state, save
from cases import fill_weights, make_bases, sample
from grelu_models.description import list_outputs
from grelu_models.errors import ModelError
from grelu_models.inference import prepare_for_inference
from grelu_models.models.bpnet import BPNet

ROOT = Path(__file__).parents[3]


def run(model, case):
    with torch.inference_mode():
        return model(make_bases(REFERENCES[case]["length"]))


def assert_near(found, expected):
    expected = torch.as_tensor(expected)
    assert found.shape == expected.shape and expected.std() > 0.01 * expected.abs().max()
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("case", REFERENCES)
def test_outputs_equal_those_of_the_program(tmp_path, case, suffix):
    reference = REFERENCES[case]
    path = save(tmp_path, case, suffix)
    for output in ("logits", "signal"):
        model, _ = read(path, **reference["options"], output=output)
        found = run(model, case)
        assert list(found.shape) == reference["shape"] and not model.training
        assert_near(sample(found), reference[output])
    model, _ = read(path, **reference["options"], output="counts")
    found = run(model, case)
    assert found.shape == (2, 1, 1)
    assert (found.flatten() - torch.tensor(reference["log_counts"])).abs().max() <= 1e-5


def test_the_signal_is_the_profile_times_the_counts(tmp_path):
    path = save(tmp_path, "BPNet")
    logits, profile, counts, signal, expm1 = (
        run(read(path, model_type="BPNet", **options)[0], "BPNet").double()
        for options in (
            {"output": "logits"},
            {"output": "profile"},
            {"output": "counts"},
            {"output": "signal", "counts": "exp"},
            {"counts": "expm1"},
        )
    )
    assert torch.allclose(profile.sum((1, 2)), torch.ones(2).double())
    assert_near(profile, logits.exp() / logits.exp().sum((1, 2), keepdim=True))
    assert_near(signal, profile * counts.exp())
    assert_near(expm1, profile * (counts.exp() - 1))
    assert torch.allclose(signal.sum((1, 2)), counts.exp().flatten())


def test_the_whole_adds_logits_and_counts_of_its_parts(tmp_path):
    path = save(tmp_path, "ChromBPNet")

    def of(part, output):
        model, _ = read(path, model_type="ChromBPNet", part=part, output=output)
        return run(model, "ChromBPNet").double()

    whole, accessibility, bias = (of(part, "logits") for part in ("whole", "accessibility", "bias"))
    assert_near(whole, accessibility + bias)
    whole, accessibility, bias = (of(part, "counts") for part in ("whole", "accessibility", "bias"))
    expected = torch.log(accessibility.exp() + bias.exp())
    assert (whole - expected).abs().max() <= 1e-6 and (whole - accessibility).min() > 0.1


def test_reverse_complement_of_the_weights_swaps_strands():
    """The names `+` and `-` are partners, and positions are flipped."""
    model = BPNet(n_filters=4, n_layers=2, n_outputs=2).eval()
    fill_weights(model.state_dict())
    turned = BPNet(n_filters=4, n_layers=2, n_outputs=2).eval()
    state = {
        name: tensor.flip(-1) if tensor.ndim == 3 else tensor
        for name, tensor in model.state_dict().items()
    }
    state["iconv.weight"] = state["iconv.weight"].flip(1)
    state["fconv.weight"], state["fconv.bias"] = (
        state["fconv.weight"].flip(0),
        state["fconv.bias"].flip(0),
    )
    turned.load_state_dict(state)
    bases = make_bases(200)
    with torch.inference_mode():
        assert_near(turned(bases.flip(1, 2)).flip(1, 2), model(bases))


@pytest.mark.parametrize("suffix", ["pt", "safetensors", "h5"])
def test_tracks_are_listed_without_torch(tmp_path, suffix):
    case = "basepairmodels" if suffix == "h5" else "BPNet"
    path = save(tmp_path, case, suffix)
    code = (
        "import sys; from pathlib import Path; from grelu_models.description import list_tracks;"
        f"found = list_tracks(Path({str(path)!r}), {{'model_type': 'BPNet'}});"
        "print([track['name'] for track in found], 'torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)
    assert found.stdout.decode().strip() == "['signal+', 'signal-'] False"


def test_two_outputs_are_strands(tmp_path):
    path = save(tmp_path, "BPNet")
    outputs = list_outputs(path, {"model_type": "BPNet"})
    assert outputs.tracks == [
        {"name": "signal+", "description": "BPNet, + strand", "strand": "+", "strand_pair": "1"},
        {"name": "signal-", "description": "BPNet, - strand", "strand": "-", "strand_pair": "0"},
    ]
    counts = list_outputs(path, {"model_type": "BPNet", "output": "counts"})
    assert [track["name"] for track in counts.tracks] == ["counts"]


@pytest.mark.parametrize(
    ("options", "scale", "longer"),
    [
        ({}, "expected counts per bp: softmax profile x exp(log counts)", False),
        (
            {"counts": "expm1"},
            "expected counts per bp: softmax profile x (exp(log counts) - 1)",
            False,
        ),
        ({"output": "profile"}, "profile probability", False),
        ({"output": "logits"}, "profile logits", True),
        ({"output": "counts"}, "log counts of the window", False),
    ],
)
def test_the_scale_follows_from_the_options(tmp_path, options, scale, longer):
    _, described = read(save(tmp_path, "BPNet"), model_type="BPNet", **options)
    statement = described.statement
    assert (statement.scale, statement.longer_windows) == (scale, longer)
    assert (statement.activation, statement.window, statement.notes) == (None, 2114, ())


def test_logits_do_not_depend_on_the_window_where_padding_is_trimmed(tmp_path):
    model, _ = read(save(tmp_path, "BPNet"), model_type="BPNet", output="logits")
    bases = make_bases(420)
    with torch.inference_mode():
        assert_near(model(bases[..., 60:360]), model(bases)[..., 60:-60])


@pytest.mark.parametrize(
    ("case", "note"),
    [
        ("BPNet, control tracks", "trained with 2 control tracks: they are given as zeros"),
        ("basepairmodels, four control tracks", "trained with 4 control tracks: they are given as"),
        ("BPNet, padded", "21 bp at each end of the output depend on padding: set prediction.trim"),
        ("BPNet, four outputs", "which of the 4 outputs are strands of one another is not known"),
    ],
)
def test_notes_say_what_a_user_must_know(tmp_path, case, note):
    _, described = read(save(tmp_path, case), **REFERENCES[case]["options"])
    assert len(described.statement.notes) == 1 and note in described.statement.notes[0]


def test_one_value_per_window_has_no_positions_to_trim(tmp_path):
    options = REFERENCES["BPNet, padded"]["options"]
    _, described = read(save(tmp_path, "BPNet, padded"), **options | {"output": "counts"})
    assert described.statement.notes == ()


def test_window_and_crop_are_read_from_the_config_of_keras(tmp_path):
    path = save(tmp_path, "chrombpnet", window=1234)
    model, described = read(path, model_type="ChromBPNet")
    assert described.window == 1234 and REFERENCES["chrombpnet"]["trim"] > model.bias.trim - 1
    assert model.bias.trim == model.accessibility.trim == REFERENCES["chrombpnet"]["trim"]
    alone = write_keras(tmp_path / "weights.h5", make_state("chrombpnet"))
    model, described = read(alone, model_type="ChromBPNet")
    assert described.window == 2114 and model.accessibility.trim == 10 + 14 + 37
    model, _ = read(alone, model_type="ChromBPNet", trimming=100)
    assert model.accessibility.trim == model.bias.trim == 100


def test_wrapped_modules_are_unwrapped(tmp_path):
    state = {f"module.model.{name}": tensor for name, tensor in make_state("BPNet").items()}
    model, _ = read(write_torch(tmp_path / "a.pt", state), model_type="BPNet", output="logits")
    assert_near(sample(run(model, "BPNet")), REFERENCES["BPNet"]["logits"])


def test_one_model_of_a_chrombpnet_is_a_bpnet(tmp_path):
    state = make_state("chrombpnet")
    parts = {"bias": "model/", "accessibility": "model_wo_bias/"}
    for part, prefix in parts.items():
        own = {
            name.removeprefix(prefix): tensor
            for name, tensor in state.items()
            if name.startswith(prefix)
        }
        path = write_keras(tmp_path / f"{part}.h5", own)
        trim = REFERENCES["chrombpnet"]["trim"]
        for options in ({"model_type": "BPNet"}, {"model_type": "ChromBPNet", "part": part}):
            model, _ = read(path, **options, trimming=trim, output="logits")
            expected = REFERENCES[f"chrombpnet, {part}"]["logits"]
            assert_near(sample(run(model, f"chrombpnet, {part}")), expected)


def test_a_window_that_is_too_short_is_refused(tmp_path):
    model, _ = read(save(tmp_path, "BPNet"), model_type="BPNet")
    assert model(make_bases(123)).shape == (2, 2, 1)
    wanted = (
        "a window of 122 bp is too short: the model trims 61 bp at each end, so model.window must "
        "be at least 123"
    )
    with pytest.raises(ModelError, match=re.escape(wanted)):
        model(make_bases(122))


@pytest.mark.parametrize("output", ["signal", "logits", "profile"])
def test_selected_tracks_have_the_values_of_all(tmp_path, output):
    model, _ = read(save(tmp_path, "BPNet, four outputs"), model_type="BPNet", output=output)
    whole = run(model, "BPNet, four outputs")
    prepared = prepare_for_inference(model, tracks=[3, 1])
    assert torch.equal(run(prepared, "BPNet, four outputs"), whole[:, [3, 1]])
