"""Families of installed packages: found and imported by name, with errors that name the package."""

import re
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import packages
from grelu_models.checkpoint import load_unmeasured
from grelu_models.description import list_outputs, pair_strands
from grelu_models.errors import ModelError
from grelu_models.families import FAMILIES, find_family

PAGE = Path(__file__).parents[2] / "docs" / "families.md"

GOOD = """
from grelu_models.families import Family, Statement
from torch import nn

def load(file, options):
    model = nn.Conv1d(4, 1, 1)
    model.load_state_dict(file.state_dict())
    return model

FAMILY = Family("toy", lambda file, options: Statement(count=1), load, {})
"""


def add(monkeypatch, tmp_path, name, source, *, kind="toy", value="FAMILY", version="1.2"):
    """Install a package of one module that adds a family."""
    module = name.replace("-", "_")
    folder = tmp_path / name
    folder.mkdir()
    (folder / f"{module}.py").write_text(source)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "{version}"\n'
        f'[project.entry-points."grelu_models.families"]\n{kind} = "{module}:{value}"\n'
    )
    packages.install(monkeypatch, folder, into=tmp_path / f"{name}-metadata")


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "toy.pt"
    torch.manual_seed(0)
    torch.save(nn.Conv1d(4, 1, 1).state_dict(), path)
    return path


def test_a_package_adds_a_family(monkeypatch, tmp_path, weights):
    add(monkeypatch, tmp_path, "toy-models", GOOD)
    add(monkeypatch, tmp_path, "other-models", "raise SystemExit", kind="other")
    model, _ = load_unmeasured(weights, architecture={"model_type": "toy"})
    assert len(list_outputs(weights, {"model_type": "toy"}).tracks) == 1
    assert model(torch.zeros(1, 4, 7)).shape == (1, 1, 7) and not model.training
    assert "other_models" not in sys.modules


def test_options_of_a_package_are_checked(monkeypatch, tmp_path, weights):
    add(monkeypatch, tmp_path, "toy-models", GOOD)
    with pytest.raises(ModelError, match="^toy has no option 'size': it takes none$"):
        load_unmeasured(weights, architecture={"model_type": "toy", "size": 3})


def test_a_package_cannot_replace_a_family_of_ours(monkeypatch, tmp_path):
    add(monkeypatch, tmp_path, "toy-models", "raise SystemExit", kind="ConvModel")
    assert find_family("ConvModel") is FAMILIES["ConvModel"]
    add(monkeypatch, tmp_path, "code-models", "raise SystemExit", kind="python")
    with pytest.raises(ModelError, match="set model.python to module:function in the config"):
        find_family("python").state(type("File", (), {"path": "x.pt"})(), {})


def test_a_missing_package_is_named():
    with pytest.raises(ModelError) as error:
        find_family("alphagenome")
    assert str(error.value) == (
        "unknown model_type 'alphagenome': install the package that adds it, "
        "grelu-tracks-alphagenome (pip install ./examples/plugins/alphagenome, a folder of the "
        "grelu-tracks repository)"
    )
    with pytest.raises(
        ModelError, match=r"^unknown model_type 'ConvModl': use one of ConvModel, .*"
    ):
        find_family("ConvModl")


@pytest.mark.parametrize("kind", ["BPnet", "AlphaGenome"])
def test_the_case_of_a_model_type_is_corrected(kind):
    written = {"BPnet": "BPNet", "AlphaGenome": "alphagenome"}[kind]
    with pytest.raises(ModelError, match=f"^unknown model_type '{kind}': write '{written}'$"):
        find_family(kind)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import no_such_package",
            "model_type 'toy': the package toy-models 1.2 cannot be imported: ModuleNotFoundError: "
            "No module named 'no_such_package': repair or update it",
        ),
        (
            "FAMILIES = {}",
            "model_type 'toy': the package toy-models 1.2 cannot be imported: AttributeError: "
            "module 'toy_models' has no attribute 'FAMILY': repair or update it",
        ),
        (
            "FAMILY = {}",
            "model_type 'toy': the package toy-models 1.2 adds toy_models:FAMILY, which is a dict "
            "and not a grelu_models.families.Family: update the package",
        ),
        (
            GOOD.replace('"toy"', '"tox"'),
            "model_type 'toy': the package toy-models 1.2 adds a family of the name 'tox' for it: "
            "update the package",
        ),
        (
            GOOD.replace("Statement(count=1)", "{}['a']"),
            "{weights}: the package toy-models 1.2 cannot describe it: KeyError: 'a': check the "
            "weights and options, or update the package",
        ),
        (
            GOOD.replace("Statement(count=1)", "3"),
            "{weights}: the package toy-models 1.2 states a int instead of a "
            "grelu_models.families.Statement: update the package",
        ),
        (
            GOOD.replace("return model", "return None"),
            "{weights}: the package toy-models 1.2 loads a NoneType instead of a torch.nn.Module: "
            "update the package",
        ),
        (
            GOOD.replace("nn.Conv1d(4, 1, 1)", "nn.Conv1d(3, 1, 1)"),
            "{weights}: the package toy-models 1.2 cannot load it: RuntimeError: Error(s) in "
            "loading state_dict for Conv1d:: check the weights and options, or update the package",
        ),
    ],
)
def test_a_package_that_does_not_work_is_named_with_its_error(
    monkeypatch, tmp_path, weights, source, message
):
    add(monkeypatch, tmp_path, "toy-models", source)
    with pytest.raises(ModelError) as error:
        load_unmeasured(weights, architecture={"model_type": "toy"})
    assert str(error.value) == message.format(weights=weights)


def test_two_packages_of_one_name_are_named(monkeypatch, tmp_path):
    add(monkeypatch, tmp_path, "toy-models", GOOD)
    add(monkeypatch, tmp_path, "more-models", GOOD, version="3")
    with pytest.raises(ModelError) as error:
        find_family("toy")
    assert str(error.value) == (
        "model_type 'toy' is added by 2 packages, more-models 3, toy-models 1.2: uninstall all "
        "but one"
    )


def test_the_package_of_the_guide_works(monkeypatch, tmp_path):
    files = re.findall(r"`([\w./]+)`:\n\n```\w+\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert [name for name, _ in files] == ["pyproject.toml", "grelu_tracks_twostrand.py"]
    folder = tmp_path / "twostrand"
    folder.mkdir()
    for name, text in files:
        (folder / name).write_text(text)
    packages.install(monkeypatch, folder, into=tmp_path / "metadata")

    torch.manual_seed(0)
    layers = [nn.Conv1d(4, 8, 15, padding=7), nn.ReLU(), nn.Conv1d(8, 2, 1)]
    module, path = nn.Sequential(*layers), tmp_path / "twostrand.pt"
    torch.save(module.state_dict(), path)
    architecture = {"model_type": "twostrand", "filters": 8}
    outputs = list_outputs(path, architecture)
    assert [track["name"] for track in outputs.tracks] == ["signal+", "signal-"]
    assert pair_strands(path, outputs.tracks) == [1, 0]
    assert outputs.statement.window == 2048 and outputs.statement.licence == "CC BY 4.0"
    model, _ = load_unmeasured(path, architecture=architecture)
    x = torch.randn(2, 4, 100)
    with torch.inference_mode():
        assert torch.equal(model(x), module(x))
    with pytest.raises(ModelError, match="^twostrand: filters must be a whole number from 1 to 10"):
        load_unmeasured(path, architecture={**architecture, "filters": 0})
