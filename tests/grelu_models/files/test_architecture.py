"""Sizes in an architecture have limits, wherever it comes from."""

from inspect import Parameter, signature

import pytest
import torch
import yaml

from grelu_models.card import measure_geometry
from grelu_models.checkpoint import build_model, load
from grelu_models.description import list_tracks
from grelu_models.errors import ModelError
from grelu_models.files.adapters import borzoi_pytorch, enformer_pytorch
from grelu_models.files.architecture import ARGUMENTS
from grelu_models.models import ARCHITECTURES
from toys import ARCHITECTURE, write_checkpoint, write_model


def nest(levels: int, width: int = 9, kind=list):
    """Lists that each contain the one before several times: few bytes, many values."""
    value = kind([1])
    for _ in range(levels):
        value = kind([value] * width)
    return value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_conv": 10**6}, "n_conv must be a whole number from 1 to 100, not 1000000"),
        ({"n_conv": -1}, "n_conv must be a whole number from 1 to 100, not -1"),
        ({"n_conv": True}, "n_conv must be a whole number from 1 to 100, not True"),
        ({"n_conv": "3"}, "n_conv must be a whole number from 1 to 100, not '3'"),
        ({"n_conv": 10**5000}, "n_conv must be a whole number from 1 to 100, not a int"),
        ({"channel_mult": float("inf")}, "channel_mult must be a number from 0 to 1,000, not inf"),
        ({"channel_mult": float("nan")}, "channel_mult must be a number from 0 to 1,000, not nan"),
        ({"n_tasks": 10**9}, "n_tasks must be a whole number from 1 to 100,000, or null, not 1000"),
        ({"kernel_size": 0}, "kernel_size must be a whole number from 1 to 10,000, not 0"),
        (
            {"pool_size": [2]},
            r"pool_size must be a whole number from 1 to 100,000, or null, not \[",
        ),
        (
            {"crop_len": -3},
            "crop_len must be a whole number from 0 to 100,000,000, or auto, not -3",
        ),
        ({"norm": "no"}, "norm must be true or false, not 'no'"),
        ({"act_func": 3}, "act_func must be a name, or null, not 3"),
        ({"n_tasks": nest(5)}, "refused, more than 10,000 nested values"),
        ({"n_tasks": nest(30, width=1)}, "refused, more than 10 levels of nested values"),
        ({3: 1}, "3 is not the name of an argument"),
        ({"model_type": ["x"]}, r"model_type must be a name, not \['x'\]"),
    ],
)
def test_sizes_in_an_architecture_have_limits(tmp_path, changes, message):
    weights = write_model(tmp_path)
    hostile = {**ARCHITECTURE, **changes}
    for read in (load, list_tracks):
        with pytest.raises(ModelError, match=f"^model.architecture: {message}"):
            read(weights, **{"architecture" if read is load else "given": hostile})
    if changes == {"n_conv": 10**5000}:  # which YAML cannot contain
        return
    stated = yaml.safe_load(weights.with_suffix(".yaml").read_text())
    weights.with_suffix(".yaml").write_text(yaml.safe_dump({**stated, "architecture": hostile}))
    with pytest.raises(ModelError, match=f"model.yaml: architecture: {message}"):
        load(weights)


@pytest.mark.parametrize("name", ["n_conv", "channel_mult", "n_tasks"])
def test_a_checkpoint_has_the_same_limits(tmp_path, name):
    given = {"model_params": {**ARCHITECTURE, name: 10**7}}
    path = write_checkpoint(tmp_path / "a.ckpt", hyper_parameters=given)
    message = f"a.ckpt: model_params: {name} must be a .*number from .*, not 10000000"
    for read in (list_tracks, load):
        with pytest.raises(ModelError, match=message):
            read(path)


@pytest.mark.parametrize("name", ["channel_mult", "dilation_mult"])
def test_sizes_that_grow_beyond_all_numbers_are_one_error(tmp_path, name):
    architecture = {**ARCHITECTURE, "n_conv": 100, "pool_func": None, name: 1000}
    message = "ConvModel cannot be built from these arguments: |the weights do not fit"
    with pytest.raises(ModelError, match=message):
        load(write_model(tmp_path), architecture=architecture)
    with torch.device("meta"), pytest.raises(ModelError, match="be built|does not fit the model"):
        measure_geometry(build_model(architecture), 96)


def test_attention_over_too_many_positions_is_one_error():
    with torch.device("meta"):
        model = build_model({"model_type": "EnformerModel", "n_tasks": 1, "n_conv": 3})
    message = "attention over 250,000 positions with 192 positional features needs more than 67,108"
    with pytest.raises(ModelError, match=message):
        measure_geometry(model, 2_000_000)


def test_recurrent_units_are_measured_without_running_them():
    architecture = {"model_type": "ConvGRUModel", "n_tasks": 1, "n_gru": 9, "final_pool_func": None}
    with torch.device("meta"):
        model = build_model(architecture)
    assert measure_geometry(model, 100_000_000).length == 100_000_000
    small = build_model(architecture)
    with torch.inference_mode():
        assert small.eval()(torch.zeros(1, 4, 50)).shape == (
            1,
            1,
            measure_geometry(small, 50).length,
        )


def test_a_window_has_a_limit(tmp_path):
    weights = write_model(tmp_path)
    with pytest.raises(
        ModelError, match="the window is 100000001 bp .at most 100,000,000.: give a"
    ):
        load(weights, window=100_000_001)


def test_every_argument_of_every_family_has_limits_and_its_default_is_within():
    options = borzoi_pytorch.OPTIONS | enformer_pytorch.OPTIONS
    defaults = list(options.items())
    for family in ARCHITECTURES.values():
        defaults += [(name, each.default) for name, each in signature(family).parameters.items()]
    names = {name for name, _ in defaults} - {"dtype", "device", "weights"}
    assert names == set(ARGUMENTS)
    for name, default in defaults:
        assert name not in names or default is Parameter.empty or ARGUMENTS[name][1](default)
