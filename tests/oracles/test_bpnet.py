"""BPNets and ChromBPNets equal their own programs, in every format; skipped without these."""

import re
from importlib.util import find_spec

import pytest
import torch

from bpnet_cases import CASES, evaluate, make, make_signal
from bpnet_files import read, write_keras, write_torch
from bpnet_peers import evaluate_lite, import_lite, make_lite
from cases import fill_weights, make_bases
from grelu_models.errors import ModelError

if not find_spec("bpnetlite") or not find_spec("keras"):
    pytest.skip("bpnet-lite 1.1.0 or Keras 3.15.1 is not installed", allow_module_level=True)


def assert_equal(model, expected, bases):
    """Compare logits, log counts and signal with those of another program, to 1e-5."""
    logits, log_counts = expected
    with torch.inference_mode():
        found = model.predict(bases)
        signal = model(bases)
    wanted = (logits, log_counts, make_signal(logits, log_counts))
    for ours, theirs in zip((*found, signal), wanted, strict=True):
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    assert logits.std() > 0.01 * logits.abs().max()


def save(case, made, folder):
    """Write a model in every format of its program."""
    if case.program == "bpnet-lite":
        return [write_torch(folder / name, made.state) for name in ("a.pt", "a.safetensors")]
    made.model.save(folder / "a.h5")
    made.model.save(folder / "a.keras")
    return [folder / "a.h5", folder / "a.keras"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_saved_models_equal_their_programs(tmp_path, name):
    case = CASES[name]
    made = make(case)
    bases = make_bases(case.length)
    expected = evaluate(case, made, bases)
    for path in save(case, made, tmp_path):
        model, _ = read(path, **case.options)
        assert_equal(model, expected, bases)


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ({"n_outputs": 2, "n_control_tracks": 0}, {}),
        ({"n_outputs": 2, "n_control_tracks": 2}, {}),
        (
            {"n_outputs": 1, "n_control_tracks": 0, "n_layers": 9, "trimming": 557},
            {"trimming": 557},
        ),
        ({"kind": "BasePairNet", "trimming": 557}, {"variant": "BasePairNet", "trimming": 557}),
    ],
)
def test_models_of_published_size_equal_bpnet_lite(tmp_path, config, options):
    theirs = make_lite(**config)
    fill_weights(theirs.state_dict())
    path = write_torch(tmp_path / "a.pt", theirs.state_dict())
    model, described = read(path, model_type="BPNet", **options)
    bases = make_bases(2114)
    expected = evaluate_lite(theirs, bases)
    assert described.window == 2114 and expected[0].shape[2] == 1000
    assert_equal(model, expected, bases)


def test_official_files_are_read_as_by_bpnet_lite(tmp_path):
    """Files of chrombpnet, which bpnet-lite reads part by part."""
    made = make(CASES["chrombpnet"])
    paths, config = {}, {"class_name": "Functional", "config": {"layers": []}}
    for part, prefix in {"bias": "model/", "accessibility": "model_wo_bias/"}.items():
        own = {
            name.removeprefix(prefix): tensor
            for name, tensor in made.state.items()
            if name.startswith(prefix)
        }
        paths[part] = write_keras(tmp_path / f"{part}.h5", own, config)
    lite = import_lite()
    theirs = lite.ChromBPNet.from_chrombpnet(str(paths["bias"]), str(paths["accessibility"]))
    bases = make_bases(400)
    whole, _ = read(write_keras(tmp_path / "a.h5", made.state, config), model_type="ChromBPNet")
    assert_equal(whole, evaluate_lite(theirs.eval(), bases), bases)
    for part, path in paths.items():
        alone = lite.BPNet.from_chrombpnet(str(path)).eval()
        for options in ({"model_type": "BPNet"}, {"model_type": "ChromBPNet", "part": part}):
            assert_equal(read(path, **options)[0], evaluate_lite(alone, bases), bases)
    converted = write_torch(tmp_path / "a.pt", theirs.state_dict())
    assert_equal(read(converted, model_type="ChromBPNet")[0], evaluate_lite(theirs, bases), bases)


@pytest.mark.parametrize("head_bias", [0.0, 1.0])
def test_files_of_basepairmodels_are_read_as_by_bpnet_lite(tmp_path, head_bias):
    """bpnet-lite adds the bias of the profile head without the convolution that follows it."""
    state = make(CASES["basepairmodels"]).state
    state["main_profile_head/bias"] = state["main_profile_head/bias"] * head_bias
    config = {"class_name": "Functional", "config": {"layers": []}}
    path = write_keras(tmp_path / "a.h5", state, config)
    theirs = import_lite().BasePairNet.from_bpnet(str(path)).eval()
    model, described = read(path, model_type="BPNet", trimming=557)
    bases = make_bases(2114)
    expected = evaluate_lite(theirs, bases)
    mix = state["profile_predictions/kernel"][0, :2]
    missed = state["main_profile_head/bias"] @ mix - state["main_profile_head/bias"]
    # Its counts are the mean over [520, L - 520), those of basepairmodels over all positions.
    with torch.inference_mode():
        logits, _ = model.predict(bases)
    shifted = expected[0] + missed[:, None]
    assert (logits - shifted).abs().max() <= 1e-5 * shifted.abs().max()
    assert (missed.abs().max() > 0.01) == (head_bias > 0)


@pytest.mark.parametrize("kind", ["BPNet", "ChromBPNet"])
def test_the_two_lines_turn_a_saved_module_into_a_state_dict(tmp_path, monkeypatch, kind):
    config = {"n_outputs": 1, "n_control_tracks": 0, "n_filters": 8, "n_layers": 2}
    theirs = make_lite(kind, **config, **({"bias": config} if kind == "ChromBPNet" else {}))
    path = tmp_path / "ctcf.torch"
    torch.save(theirs, path)
    with pytest.raises(ModelError, match="refused, it is a whole pickled module") as caught:
        read(path, model_type=kind)
    lines = re.search(r"installed: (model = .*\)); (torch.*)", str(caught.value))
    monkeypatch.chdir(tmp_path)
    for line in lines.groups():
        exec(line, globals())
    model, _ = read(tmp_path / "ctcf.pt", model_type=kind)
    bases = make_bases(300)
    assert_equal(model, evaluate_lite(theirs, bases), bases)
