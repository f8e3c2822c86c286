"""The workflow's own files are found in a checkout and in an installed package."""

import re

import pytest

from genometracks import places
from genometracks.errors import UserError
from pipeline import ROOT


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An empty folder in place of the package's."""
    folder = tmp_path / "lib" / "genometracks"
    folder.mkdir(parents=True)
    monkeypatch.setattr(places, "PACKAGE", folder)
    places.find_workflow.cache_clear()
    yield folder
    places.find_workflow.cache_clear()


def test_a_checkout_has_the_workflow_around_the_package():
    assert places.find_snakefile() == ROOT / "workflow" / "Snakefile"
    assert places.find_schema() == ROOT / "workflow" / "schemas" / "config.schema.yaml"
    assert places.list_profiles() == ["local", "slurm"]
    assert places.find_profile("slurm") == ROOT / "workflow" / "profiles" / "slurm"


def test_an_installed_package_has_it_inside(package):
    folder = package / "pipeline" / "workflow"
    folder.mkdir(parents=True)
    (folder / "Snakefile").touch()
    (package.parent / "Snakefile").touch()  # someone else's
    assert places.find_snakefile() == folder / "Snakefile"


def test_a_package_without_its_workflow_is_one_error(package):
    text = f"{package}/pipeline/workflow: the workflow is missing: install grelu-tracks again"
    with pytest.raises(UserError, match=f"^{re.escape(text)}$"):
        places.find_snakefile()


@pytest.mark.parametrize("name", ["", "..", "slurm/..", "cloud"])
def test_an_unknown_profile_is_one_error(name):
    text = f"^profile {name!r} does not exist: give one of local, slurm$"
    with pytest.raises(UserError, match=text):
        places.find_profile(name)
