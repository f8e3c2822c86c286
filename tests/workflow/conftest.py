"""Fixtures of the tests that run Snakemake."""

import shutil
from pathlib import Path

import pytest

import pipeline
from scene import write_inputs


@pytest.fixture(scope="module")
def warm_tools(warm, tmp_path_factory):
    """Let Snakemake and its jobs be forked from a process that has imported everything."""
    with pytest.MonkeyPatch.context() as patch:
        folder = warm.install(tmp_path_factory.mktemp("tools") / "bin")
        patch.setattr(pipeline, "tools", folder)
        yield


@pytest.fixture(scope="module")
def finished_once(warm_tools, tmp_path_factory) -> Path:
    """A project whose run of three shards is finished."""
    folder = tmp_path_factory.mktemp("finished") / "project"
    write_inputs(folder, trim=0)
    pipeline.run(folder)
    return folder


@pytest.fixture
def finished(finished_once, tmp_path) -> Path:
    """A copy of the project whose run is finished."""
    folder = tmp_path / "project"
    shutil.copytree(finished_once, folder)
    return folder
