"""Weights of other packages give the outputs of these packages (adapter_references.json)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn.functional import softplus

from cases import fill_weights, make_bases, sample
from grelu_models import models
from grelu_models.errors import ModelError
from grelu_models.files.adapters import ADAPTERS

REFERENCES = json.loads((Path(__file__).parents[1] / "adapter_references.json").read_text())
BORZOI, ENFORMER = ADAPTERS["borzoi-pytorch"], ADAPTERS["enformer-pytorch"]


def make_state(case, device=None):
    """Tensors of the names and shapes that the package has; the values are 0."""
    return {
        name: torch.zeros(
            shape, dtype=torch.int64 if "num_batches" in name else torch.float32, device=device
        )
        for name, shape in REFERENCES[case]["state"].items()
    }


def build(architecture):
    arguments = dict(architecture)
    with torch.device("meta"):
        return getattr(models, arguments.pop("model_type"))(**arguments).eval()


@pytest.mark.parametrize("case", REFERENCES)
def test_outputs_equal_those_of_the_package(case):
    reference = REFERENCES[case]
    adapter, options = ADAPTERS[reference["package"]], reference["options"]
    state = make_state(case)
    fill_weights(state)
    model = build(adapter.describe(options))
    model.load_state_dict(adapter.convert(state, options), strict=True, assign=True)
    with torch.inference_mode():
        found = softplus(model(make_bases(reference["length"])))
    assert list(found.shape) == reference["shape"]
    expected = torch.tensor(reference["values"])
    assert expected.std() > 0.01 * expected.max()
    assert (sample(found) - expected).abs().max() <= 1e-5 * expected.max()


@pytest.mark.parametrize("case", REFERENCES)
def test_converting_does_not_change_its_arguments(case):
    state = make_state(case, device="meta")
    before = dict(state)
    options = dict(REFERENCES[case]["options"])
    ADAPTERS[REFERENCES[case]["package"]].convert(state, options)
    assert options == REFERENCES[case]["options"]
    assert list(state) == list(before) and all(state[name] is before[name] for name in state)


@pytest.mark.parametrize("case", REFERENCES)
def test_counters_of_batches_may_be_missing(case):
    reference = REFERENCES[case]
    adapter, options = ADAPTERS[reference["package"]], reference["options"]
    whole = make_state(case, device="meta")
    old = {name: tensor for name, tensor in whole.items() if "num_batches" not in name}
    converted, wanted = adapter.convert(old, options), build(adapter.describe(options)).state_dict()
    assert len(old) < len(whole) and converted.keys() == wanted.keys()
    for name, tensor in converted.items():
        assert (tensor.shape, tensor.dtype) == (wanted[name].shape, wanted[name].dtype), name


def test_an_enformer_may_have_either_name_of_its_trunk():
    state = make_state("Enformer", device="meta")
    options = REFERENCES["Enformer"]["options"]
    trunk = {name: state[name] for name in state if name.startswith(("_trunk.", "_heads."))}
    parts = {name: state[name] for name in state if not name.startswith("_trunk.")}
    assert len(trunk) == len(parts) < len(state)
    names = ENFORMER.convert(state, options).keys()
    assert ENFORMER.convert(trunk, options).keys() == names
    assert ENFORMER.convert(parts, options).keys() == names


def test_the_whole_head_beside_a_subset_is_left_out():
    state = make_state("Borzoi", device="meta")
    options = REFERENCES["Borzoi"]["options"]
    copies = {name.replace("head", "head_bak"): state[name] for name in state if "human" in name}
    assert len(copies) == 2
    assert BORZOI.convert(state | copies, options).keys() == BORZOI.convert(state, options).keys()


def test_the_published_sizes_are_the_defaults():
    assert BORZOI.describe({}) == {
        "model_type": "BorzoiModel",
        "n_tasks": 7611,
        "channels": 1536,
        "n_transformers": 8,
        "n_heads": 8,
        "key_len": 64,
        "value_len": 192,
        "crop_len": 5120,
        "final_pool_func": None,
        "flash_attn": False,
        "position_length": 4096,
    }
    assert ENFORMER.describe({}) == {
        "model_type": "EnformerModel",
        "n_tasks": 5313,
        "n_conv": 7,
        "channels": 1536,
        "n_transformers": 11,
        "n_heads": 8,
        "key_len": 64,
        "crop_len": 320,
        "final_pool_func": None,
        "use_tf_gamma": True,
    }
    assert (BORZOI.window, BORZOI.activation) == (524_288, "softplus")
    assert (ENFORMER.window, ENFORMER.activation) == (196_608, "softplus")


@pytest.mark.parametrize(
    ("adapter", "options", "changed"),
    [
        (BORZOI, {"flashed": True}, {"flash_attn": "flashzoi"}),
        (BORZOI, {"head": "mouse"}, {"n_tasks": 2608}),
        (BORZOI, {"n_tasks": 2, "crop_len": 16}, {"n_tasks": 2, "crop_len": 16}),
        (BORZOI, {"n_tasks": None, "dim": 1536}, {}),
        (ENFORMER, {"head": "mouse"}, {"n_tasks": 1643}),
        (ENFORMER, {"head": "fly", "n_tasks": 5}, {"n_tasks": 5}),
        (ENFORMER, {"use_tf_gamma": False, "dim": 768}, {"use_tf_gamma": False, "channels": 768}),
    ],
)
def test_options_change_the_architecture(adapter, options, changed):
    assert adapter.describe(options) == adapter.describe({}) | changed


@pytest.mark.parametrize(
    ("adapter", "options", "message"),
    [
        (
            BORZOI,
            {"flash": True, "n_tracks": 3},
            "borzoi-pytorch has no option flash, n_tracks: it takes flashed, head, crop_len, "
            "depth, dim, heads, attn_dim_key, attn_dim_value, n_tasks",
        ),
        (
            ENFORMER,
            {"target_length": 896},
            "enformer-pytorch has no option target_length: it takes head, crop_len, dim, depth, "
            "heads, attn_dim_key, num_downsamples, use_tf_gamma, n_tasks",
        ),
        (BORZOI, {"flashed": "no"}, "borzoi-pytorch: flashed must be true or false, not 'no'"),
        (BORZOI, {"depth": "8"}, "borzoi-pytorch: depth must be a whole number, not '8'"),
        (BORZOI, {"n_tasks": True}, "borzoi-pytorch: n_tasks must be a whole number, not True"),
        (ENFORMER, {"head": ["human"]}, "head must be a name, not ['human']"),
        (ENFORMER, {"depth": None}, "depth must be a whole number, not None"),
        (
            BORZOI,
            {"head": "rat"},
            "borzoi-pytorch: head 'rat' is not one of human, mouse: also give its n_tasks",
        ),
        (BORZOI, {"dim": 768}, "dim must be 1536, for which its other channels are fixed"),
    ],
)
def test_wrong_options_are_named(adapter, options, message):
    with pytest.raises(ModelError) as error:
        adapter.describe(options)
    assert message in str(error.value)


def rename(state, old, new):
    return {name.replace(old, new): tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("case", "change", "options", "message"),
    [
        (
            "Borzoi",
            lambda state: rename(state, "separable", "model.separable"),
            {},
            "6 tensors are not those of borzoi-pytorch, e.g. model.separable1.conv_layer.0.weight: "
            "check model.architecture.model_type",
        ),
        (
            "Enformer",
            lambda state: rename(state, "_trunk.1.", "_trunk.9."),
            {},
            "10 tensors are not those of enformer-pytorch, e.g. _trunk.9.0.weight: check "
            "model.architecture.model_type",
        ),
        (
            "Enformer",
            lambda state: rename(state, "conv_tower.0.", "conv_tower.x."),
            {},
            "tensors are not those of enformer-pytorch, e.g. conv_tower.x.0.0.weight",
        ),
        (
            "Borzoi",
            lambda state: {name: state[name] for name in state if "human" not in name},
            {},
            "the weights have no head 'human' (their heads: mouse): check model.architecture.head",
        ),
        (
            "Enformer",
            dict,
            {"head": "fly", "n_tasks": 5},
            "the weights have no head 'fly' (their heads: human, mouse): "
            "check model.architecture.head",
        ),
        (
            "Enformer",
            lambda state: {name: state[name] for name in state if "_heads" not in name},
            {},
            "the weights have no head 'mouse' (their heads: none): check model.architecture.head",
        ),
        (
            "Borzoi",
            dict,
            {"flashed": True},
            "the weights are those of Borzoi: set model.architecture.flashed to false",
        ),
        (
            "Flashzoi",
            dict,
            {"flashed": False},
            "the weights are those of Flashzoi: set model.architecture.flashed to true",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(case, change, options, message):
    reference = REFERENCES[case]
    with pytest.raises(ModelError) as error:
        ADAPTERS[reference["package"]].convert(
            change(make_state(case, device="meta")), reference["options"] | options
        )
    assert message in str(error.value)


def test_describing_needs_no_torch():
    code = (
        "import sys; from grelu_models.files.adapters import ADAPTERS;"
        "[adapter.describe({}) for adapter in ADAPTERS.values()]; sys.exit('torch' in sys.modules)"
    )
    root = str(Path(__file__).parents[3])
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": root}, check=True)
