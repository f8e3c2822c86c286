"""BPNet and ChromBPNet give the values of bpnet-lite, chrombpnet and basepairmodels.

bpnet_references.json holds values of these programs.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bpnet_files import make_config, read, write_keras, write_torch
from cases import fill_weights, make_bases, sample
from grelu_models.description import describe, list_outputs
from grelu_models.errors import ModelError
from grelu_models.families import find_family
from grelu_models.families.bpnet_layouts import find_models, measure_sizes
from grelu_models.files.weights_file import open_weights
from grelu_models.inference import prepare_for_inference

REFERENCES = json.loads((Path(__file__).parents[1] / "bpnet_references.json").read_text())
ROOT = Path(__file__).parents[3]
LITE = list(REFERENCES["BPNet"]["state"])
CROPS = {
    "chrombpnet": {
        "logits_profile_predictions_preflatten": "bias",
        "wo_bias_bpnet_logitt_before_flatten": "accessibility",
    },
    "basepairmodels": {"main_profile_head_cropped": "model"},
}
"""Program -> layers that crop the profile, and their part."""


def make_state(case):
    state = {name: torch.zeros(shape) for name, shape in REFERENCES[case]["state"].items()}
    fill_weights(state)
    return state


def make_crops(case):
    """Layer -> positions that a Keras graph crops, so that all parts have the same output."""
    reference = REFERENCES[case]
    shapes = {name: tuple(shape) for name, shape in reference["state"].items()}
    models = find_models(Path("x.h5"), shapes)
    sizes = {part: measure_sizes(Path("x.h5"), stored) for part, stored in models.items()}
    layers = CROPS[reference["program"]].items()
    return {layer: reference["trim"] - sizes[part].reach for layer, part in layers}


def save(folder, case, suffix="pt", **config):
    """Write the weights of a case as its program does."""
    state = make_state(case)
    if REFERENCES[case]["program"] == "bpnet-lite":
        return write_torch(folder / f"model.{suffix}", state)
    config = {"window": REFERENCES[case]["length"], "crops": make_crops(case), **config}
    return write_keras(folder / "model.h5", state, make_config(state, **config))


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
    from grelu_models.models.bpnet import BPNet

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


@pytest.mark.parametrize(
    ("case", "options", "message"),
    [
        ("BPNet", {"ouput": "signal"}, "BPNet has no option 'ouput': it takes output, counts, "),
        ("BPNet", {"part": "bias"}, "BPNet has no option 'part': it takes output, counts, "),
        (
            "ChromBPNet",
            {"part": "nobias"},
            "ChromBPNet: part must be one of whole, accessibility, bias, not 'nobias'",
        ),
        ("BPNet", {"counts": "log"}, "BPNet: counts must be one of exp, expm1, not 'log'"),
        (
            "BPNet",
            {"output": "logits", "counts": "exp"},
            "model.architecture: counts: 'exp' is a scale of output: signal only, not of output: "
            "logits: leave it out",
        ),
        ("BPNet", {"trimming": -1}, "BPNet: trimming must be a whole number from 0 to "),
        (
            "BPNet",
            {"model_type": "ChromBPNet"},
            "the weights are those of a single BPNet: set model.architecture.model_type to BPNet",
        ),
        (
            "ChromBPNet",
            {"model_type": "BPNet"},
            "the weights are an accessibility and a bias model: set model.architecture.model_type "
            "to ChromBPNet",
        ),
        (
            "ChromBPNet",
            {"trimming": 40},
            "the bias model trims 53 bp at each end, the accessibility model only 40: check "
            "model.architecture: trimming, bias_trimming",
        ),
        (
            "basepairmodels",
            {"variant": "BasePairNet"},
            "variant is only for weights of bpnet-lite, these are of basepairmodels: leave it out",
        ),
        (
            "chrombpnet",
            {"bias_trimming": 53},
            "bias_trimming is only for weights of bpnet-lite with both models: leave it out",
        ),
        (
            "basepairmodels",
            {"trimming": 60},
            "these weights of basepairmodels give no output for 61 bp at each end of a window, so "
            "model.architecture.trimming cannot be 60",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, case, options, message):
    options = {**REFERENCES[case]["options"], **options}
    file = open_weights(save(tmp_path, case))
    with pytest.raises(ModelError, match=re.escape(message)):
        describe(file, architecture=options)


NAMES = [
    *(f"{part}{name}" for part in ("", "bias.", "accessibility.") for name in LITE),
    *(name for case in ("chrombpnet", "basepairmodels") for name in REFERENCES[case]["state"]),
    "rconvs.999.weight",
    "bpnet_0conv/kernel",
    "x",
]
CONFIGS = st.recursive(
    st.none() | st.integers(-1, 9) | st.sampled_from(["Conv1D", "valid", "bpnet_1conv", "a_cr"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "class_name config layers name padding cropping strides batch_shape".split()
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(NAMES), st.lists(st.integers(0, 9), max_size=4).map(tuple)),
    CONFIGS,
    st.sampled_from(["BPNet", "ChromBPNet"]),
)
def test_any_names_shapes_and_config_give_a_statement_or_one_error(shapes, config, kind):
    file = SimpleNamespace(path=Path("a.h5"), shapes=lambda: shapes, config=config)
    try:
        statement = find_family(kind).state(file, {})
    except ModelError as error:
        assert str(error).startswith("a.h5: ") and "\n" not in str(error)
    else:
        assert statement.tracks


@pytest.mark.parametrize("case", ["BPNet", "chrombpnet", "basepairmodels"])
@given(data=st.data())
def test_changed_shapes_give_a_model_or_one_error(case, data):
    state = dict(REFERENCES[case]["state"])
    for name in data.draw(st.lists(st.sampled_from(sorted(state)), max_size=2)):
        state[name] = data.draw(st.lists(st.integers(0, 90), max_size=4))
    for name in data.draw(st.lists(st.sampled_from(sorted(state)), max_size=2)):
        state.pop(name, None)
    file = SimpleNamespace(
        path=Path("a.h5"),
        shapes=lambda: {name: tuple(shape) for name, shape in state.items()},
        state_dict=lambda: {name: torch.zeros(shape) for name, shape in state.items()},
    )
    family, options = REFERENCES[case]["options"]["model_type"], {}
    try:
        assert find_family(family).load(file, options)
    except ModelError as error:
        assert str(error).startswith("a.h5: ") and "\n" not in str(error)


def test_a_missing_part_is_named(tmp_path):
    state = make_state("chrombpnet")
    lone = {name: tensor for name, tensor in state.items() if "wo_bias" in name}
    path = write_keras(tmp_path / "nobias.h5", lone)
    for part in ("whole", "bias"):
        with pytest.raises(ModelError) as caught:
            read(path, model_type="ChromBPNet", part=part)
        assert str(caught.value) == (
            f"{path}: the weights have no bias model: set model.architecture.part to "
            "accessibility, or give the weights of the whole ChromBPNet"
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"encoder.weight": (3, 3)},
            "encoder.weight is not a tensor of a BPNet or ChromBPNet, as bpnet-lite, chrombpnet or "
            "basepairmodels name them: check model.architecture.model_type",
        ),
        ({"main_conv_0/kernel": (21, 4, 8)}, "main_conv_0/kernel is not a tensor of a BPNet"),
        ({"fconv.weight": None}, "the weights of BPNet lack fconv.weight (in bpnet-lite's names)"),
        ({"rconvs.1.weight": None}, "the weights of BPNet lack rconvs.1.weight"),
        ({"rconvs.1.bias": None}, "the weights do not fit the architecture: rconvs.1.bias is miss"),
        ({"iconv.weight": (8, 4)}, "iconv.weight has the shape (8, 4)"),
        ({"iconv.weight": (8, 4, 20)}, "kernels of width 20 and 75 (odd, at most 10,001)"),
        (
            {"iconv.weight": (8, 5, 21)},
            "iconv.weight is (8, 5, 21), in torch's order of axes, where a BPNet of 8 filters and "
            "2 outputs has (8, 4, 21)",
        ),
        (
            {"rconvs.7.bias": (8,)},
            "rconvs.7.bias is (8,), in torch's order of axes, where a BPNet ",
        ),
        (
            {"fconv.weight": (2, 7, 75)},
            "fconv.weight is (2, 7, 75), in torch's order of axes, where a BPNet of 8 filters and "
            "2 outputs has (2, 8, 75)",
        ),
        ({"linear.weight": (2, 8)}, "linear.weight is (2, 8), in torch's order of axes, where a "),
        (
            {f"rconvs.{i}.weight": (8, 8, 3) for i in range(3, 25)},
            "its BPNet has 25 residual convolutions (at most 24)",
        ),
    ],
)
def test_weights_that_are_not_a_bpnet_are_refused(tmp_path, change, message):
    state = make_state("BPNet")
    for name, shape in change.items():
        if shape is None:
            del state[name]
        else:
            state[name] = torch.zeros(shape)
    path = write_torch(tmp_path / "a.pt", state)
    with pytest.raises(ModelError, match=f"a.pt: .*{re.escape(message)}"):
        read(path, model_type="BPNet")


def test_other_weights_are_refused_by_their_first_tensor(tmp_path):
    path = write_torch(tmp_path / "a.pt", {"a.weight": torch.ones(1), "b.weight": torch.ones(1)})
    for kind in ("BPNet", "ChromBPNet"):
        with pytest.raises(ModelError, match=r"a\.pt: a\.weight is not a tensor of a BPNet"):
            read(path, model_type=kind)
    path = write_torch(tmp_path / "b.pt", {})
    with pytest.raises(ModelError, match=r"b\.pt: it has no tensors"):
        read(path, model_type="BPNet")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"padding": "same"},
            "has padding 'same', where BPNet has valid: weights and config do not belong together",
        ),
        ({"dilation_rate": [3]}, "has dilation_rate [3], where BPNet has "),
        (
            {"crops": {"logits_profile_predictions_preflatten": (3, 4)}},
            "logits_profile_predictions_preflatten crops [3, 4]: only equal crops at both ends",
        ),
    ],
)
def test_a_config_that_does_not_fit_the_weights_is_refused(tmp_path, config, message):
    file = open_weights(save(tmp_path, "chrombpnet", **config))
    with pytest.raises(ModelError, match=re.escape(message)):
        describe(file, architecture={"model_type": "ChromBPNet"})


def test_another_residual_unit_of_basepairmodels_is_refused(tmp_path):
    path = save(tmp_path, "basepairmodels", crops={"main_conv_0_relu_cr": 2})
    with pytest.raises(ModelError, match="main_conv_0_relu_cr shows residual units that add the "):
        describe(open_weights(path), architecture={"model_type": "BPNet"})


def test_several_counts_of_basepairmodels_are_refused(tmp_path):
    state = make_state("basepairmodels")
    state["logcounts_predictions/kernel"] = torch.zeros(3, 2)
    path = write_keras(tmp_path / "a.h5", state)
    wanted = "logcounts_predictions/kernel is (2, 3), in torch's order of axes, where a BPNet of 8 "
    with pytest.raises(ModelError, match=re.escape(wanted)):
        read(path, model_type="BPNet")


def test_a_module_pickled_by_bpnet_lite_is_refused_with_a_way_out(tmp_path):
    """The class need not exist here: the pickle only names it."""
    path = tmp_path / "ctcf.torch"
    kind = type("BPNet", (torch.nn.Module,), {"__module__": "bpnetlite.bpnet"})
    kind.__qualname__ = "BPNet"
    _save_as(kind, "bpnetlite.bpnet", path)
    with pytest.raises(ModelError) as caught:
        read(path, model_type="BPNet")
    assert str(caught.value) == (
        f"{path}: refused, it is a whole pickled module (bpnetlite.bpnet.BPNet), which runs code "
        "when it is loaded: if you trust it, make a state dict of it where its package is "
        'installed: model = torch.load("ctcf.torch", map_location="cpu", weights_only=False); '
        'torch.save(model.state_dict(), "ctcf.pt")'
    )


def _save_as(kind, module, path):
    """Pickle a module whose class is importable during the pickling only."""
    names = [".".join(module.split(".")[: i + 1]) for i in range(module.count(".") + 1)]
    modules = {name: ModuleType(name) for name in names}
    modules[module].BPNet = kind
    with mock.patch.dict(sys.modules, modules):
        torch.save(kind(), path)


@pytest.mark.parametrize("output", ["signal", "logits", "profile"])
def test_selected_tracks_have_the_values_of_all(tmp_path, output):
    model, _ = read(save(tmp_path, "BPNet, four outputs"), model_type="BPNet", output=output)
    whole = run(model, "BPNet, four outputs")
    prepared = prepare_for_inference(model, tracks=[3, 1])
    assert torch.equal(run(prepared, "BPNet, four outputs"), whole[:, [3, 1]])
