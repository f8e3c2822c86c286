"""Modules of the user's own: found without running, and run as asked."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from grelu_models.checkpoint import compute_digest, load_unmeasured
from grelu_models.description import list_outputs
from grelu_models.errors import ModelError
from grelu_models.families.own_code import find_code
from own_module import SOURCE, load


def compute(x):
    state = torch.load("own.pt", weights_only=True)
    return nn.functional.conv1d(x, state["conv.weight"], state["conv.bias"], padding=2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("build", {}),
        ("build_from", {}),
        ("Net", {}),
        ("WithDefaults", {}),
        ("build_optional", {}),
        ("build_last", {"layout": "NLC"}),
        ("build_several", {"output": "signal"}),
        ("build_pair", {"output": 0}),
    ],
)
def test_the_model_is_that_of_the_function_with_the_weights_of_the_file(own_folder, name, options):
    x = torch.randn(3, 4, 40)
    model = load(name, options)
    assert not model.training
    with torch.inference_mode():
        assert torch.equal(model(x), compute(x))


def test_an_index_chooses_an_output(own_folder):
    x = torch.randn(1, 4, 40)
    assert torch.allclose(load("build_pair", {"output": 1})(x), 2 * compute(x))


def test_nothing_runs_until_the_model_is_loaded(own_folder):
    code = find_code("own:build")
    outputs = list_outputs(Path("own.pt"), {"n_tasks": 3}, code=code)
    compute_digest("own.pt", code=code)
    assert len(outputs.tracks) == 3 and not Path("ran.txt").exists()
    load("build")
    assert Path("ran.txt").exists()


@pytest.mark.parametrize("where", ["caller", "beside", "checkpoint"])
def test_no_file_and_no_architecture_can_run_code(own_folder, where):
    architecture = {"model_type": "python", "function": "own:build"}
    if where == "beside":
        Path("own.yaml").write_text("architecture: {model_type: python, function: 'own:build'}")
    if where == "checkpoint":
        state = torch.load("own.pt", weights_only=True)
        parameters = {"model_params": architecture, "train_params": {}, "data_params": {}}
        state = {f"model.{name}": value for name, value in state.items()}
        content = {"state_dict": state, "hyper_parameters": parameters}
        torch.save({**content, "pytorch-lightning_version": "2"}, "own.pt")
    with pytest.raises(ModelError) as error:
        load_unmeasured("own.pt", architecture=architecture if where == "caller" else None)
    named = "own.yaml: architecture: " if where == "beside" else ""
    assert str(error.value) == (
        f"{named}own.pt: model_type python would run code, which neither a file nor "
        "model.architecture can ask for: set model.python to module:function in the config"
    )
    assert not Path("ran.txt").exists()


def test_the_digest_covers_source_function_weights_and_options(own_folder):
    def digest(name="build", options=None):
        return load_unmeasured("own.pt", architecture=options, code=find_code(f"own:{name}"))[1]

    first = digest()
    found = {first, digest("Net"), digest(options={"layout": "NCL"})}
    assert compute_digest("own.pt", code=find_code("own:build")) == first
    weights = Path("own.pt").read_bytes()
    torch.save({"conv.weight": torch.zeros(3, 4, 5), "conv.bias": torch.zeros(3)}, "own.pt")
    found.add(digest())
    Path("own.pt").write_bytes(weights)
    Path("own.py").write_text(SOURCE + "# changed\n")
    found.add(digest())
    assert len(found) == 5
    Path("own.py").write_text(SOURCE)
    assert digest() == first


def test_a_source_that_changed_since_it_was_found_is_not_run(own_folder):
    code = find_code("own:build")
    Path("own.py").write_text(SOURCE + "# changed\n")
    with pytest.raises(
        ModelError, match=r"^own\.py: the source changed since the plan was made: t"
    ):
        load_unmeasured("own.pt", code=code)
    assert not Path("ran.txt").exists()


def test_a_changed_source_of_the_same_size_and_time_is_run_as_it_is_now(own_folder):
    load("build")
    Path("own.py").write_text(SOURCE.replace("padding=2", "padding=1"))
    assert load("build")(torch.zeros(1, 4, 40)).shape == (1, 3, 38)


def test_a_module_in_a_package_imports_its_neighbours(own_folder):
    package = own_folder / "code" / "ours"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "layers.py").write_text("from torch import nn\nmake = nn.Conv1d\n")
    (package / "net.py").write_text(
        "from .layers import make\nimport beside\n"
        "def build():\n    net = make(4, 3, 5)\n    net.name = beside.NAME\n    return net\n"
    )
    (own_folder / "code" / "beside.py").write_text("NAME = 'own'\n")
    torch.save(nn.Conv1d(4, 3, 5).state_dict(), "own.pt")
    code = find_code("ours.net:build", "code")
    assert code.file == "code/ours/net.py"
    model, _ = load_unmeasured("own.pt", code=code)
    assert model(torch.zeros(1, 4, 40)).shape == (1, 3, 36)
    assert str(own_folder / "code") not in sys.path
