"""Weights, configs and options of BPNets that do not fit are one error each."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bpnet_files import read, write_keras, write_torch
from bpnet_references import REFERENCES, make_state, save
from grelu_models.description import describe
from grelu_models.errors import ModelError
from grelu_models.families import find_family
from grelu_models.files.weights_file import open_weights

LITE = list(REFERENCES["BPNet"]["state"])


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
            {"rconvs.7.bias": ()},
            "rconvs.7.bias is (), in torch's order of axes, where a BPNet of 8 filters and 2 "
            "outputs has no such tensor",
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
