"""Modules of the user's own that are not found, not sound or not suitable: one line each."""

import re
from pathlib import Path

import pytest
import torch

from grelu_models.checkpoint import load as load_measured
from grelu_models.checkpoint import load_unmeasured
from grelu_models.description import list_outputs
from grelu_models.errors import ModelError
from grelu_models.families.own_code import find_code
from own_module import SOURCE, load


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "missing",
            {},
            "model.python: own.py has no function missing: it has Last, Net, Several, ",
        ),
        ("nn", {}, "model.python: own.py has no function nn: it has "),
        (
            "Path",
            {},
            "model.python: Path is not defined in own.py: name the module that defines it",
        ),
        (
            "build_two",
            {},
            "build_two of own.py needs weights, tracks: it must take the path of the",
        ),
        (
            "build_nothing",
            {},
            "build_nothing of own.py returns None: it must return a torch.nn.Mod",
        ),
        (
            "build_raising",
            {},
            "own.py:{raise ValueError}: the code of model.python raised ValueError: no such option",
        ),
        (
            "build_leaving",
            {},
            "own.py:{raise SystemExit}: the code of model.python raised SystemExit: 3",
        ),
        (
            "build_failing",
            {},
            "own.py:{x[:, :3]}: the code of model.python raised RuntimeError: Given groups",
        ),
        (
            "build_flat",
            {},
            "own.py: for windows of shape (2, 4, 50), the module returns float32 of shape (2, 3), "
            "where floats of shape (2, tracks, bins) are wanted",
        ),
        (
            "build_last",
            {},
            "own.py:{.transpose}: the code of model.python raised RuntimeError: Given",
        ),
        ("build_whole", {}, "the module returns int64 of shape (2, 3, 50), where floats of shape"),
        (
            "build_dropped",
            {},
            "own.py: the model returns other values for a window of random bases when it is run "
            "again, alone (by ",
        ),
        (
            "build_centred",
            {},
            "check for dropout and batch statistics that are not switched off by eval mode",
        ),
        ("build_nan", {}, "own.py: the model returns nan for a window of random bases (300 of 300"),
        ("build_text", {}, "own.py: the module returns a str where a tensor is wanted"),
        (
            "build_several",
            {},
            "returns a dict with the keys signal, counts: set model.output to one",
        ),
        (
            "build_several",
            {"output": "profile"},
            "returns a dict with the keys signal, counts, not 'profile': set model.output to one",
        ),
        ("build_pair", {"output": 2}, "a tuple with the indices 0, 1, not 2: set model.output"),
        (
            "build",
            {"output": "a"},
            "model.output is 'a', but the module returns one tensor: remove",
        ),
        ("build", {"size": 3}, "python has no option 'size': it takes n_tasks, layout, output"),
        ("build", {"layout": "NHWC"}, "python: layout must be NCL or NLC, not 'NHWC'"),
        (
            "build",
            {"model_type": "ConvModel"},
            "model.architecture: model_type 'ConvModel' and model.python are two models: remove "
            "one",
        ),
    ],
)
def test_what_is_wrong_is_one_line(own_folder, name, options, message):
    for found in re.findall(r"{([^{}]+)}", message):
        lines = [i for i, line in enumerate(SOURCE.split("\n"), 1) if found in line]
        message = message.replace(f"{{{found}}}", str(lines[0]))
    with pytest.raises(ModelError) as error:
        load(name, options)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_weights_that_the_function_forgets_to_load_are_named(own_folder):
    message = (
        "own.py: conv.weight of the module has other values when it is made again: "
        "load all parameters from the weights"
    )
    options = {"architecture": {"n_tasks": 3}, "window": 50}
    with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
        load_measured("own.pt", code=find_code("own:build_forgotten"), **options)
    assert load_measured("own.pt", code=find_code("own:build_from"), **options)[1].geometry.bin == 1


def test_weights_that_do_not_fit_are_named(own_folder):
    torch.save({"conv.weight": torch.zeros(3, 4, 7), "bias": torch.zeros(3)}, "own.pt")
    with pytest.raises(
        ModelError, match=r"own\.pt: the weights do not fit .*conv\.bias is missing"
    ):
        load("build")


@pytest.mark.parametrize(
    ("function", "path", "message"),
    [
        ("own", None, "model.python: 'own' is not of the form module:function"),
        ("own:a b", None, "model.python: 'own:a b' is not of the form module:function"),
        ("../own:build", None, "model.python: '../own:build' is not of the form module:function"),
        ("nowhere:build", None, "there is no nowhere.py in {}, and no installed module nowhere: "),
        (
            "a.b:build",
            None,
            "model.python: there is no a/b.py in {}, and no installed module a.b: ",
        ),
        ("own:build", "missing", "model.python_path: missing: no such folder: correct it"),
    ],
)
def test_a_module_that_is_not_found_is_named_with_where_it_was_searched(
    own_folder, function, path, message
):
    with pytest.raises(ModelError) as error:
        find_code(function, path)
    assert message.format(own_folder) in str(error.value)


def test_code_that_is_no_python_is_named_with_its_line(own_folder):
    Path("own.py").write_text("x = 1\ny = = 2\n")
    with pytest.raises(ModelError, match=r"^own\.py:2: the code of model\.python raised SyntaxErr"):
        load("build")


def test_the_number_of_tracks_must_be_given(own_folder):
    with pytest.raises(ModelError, match="own:build is not run to count the tracks: set model.tra"):
        list_outputs(Path("own.pt"), code=find_code("own:build"))


def test_a_module_of_python_is_not_replaced(own_folder):
    Path("random.py").write_text(SOURCE)
    with pytest.raises(ModelError, match=r"random is also the name of a module that is in use \(/"):
        load_unmeasured("own.pt", code=find_code("random:build"))
