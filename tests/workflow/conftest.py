"""Fixtures of the tests that run Snakemake."""

import shutil
from pathlib import Path

import pytest

import pipeline
from pipeline import CPU, write_project
from scene import write_inputs

TOOL = """#!/bin/sh
echo "$*" >> calls
echo $$ >> pids
case "$*" in *"--shard 1 "*)
    if [ -e broken ]; then echo "genometracks predict: no such luck" >&2; exit 1; fi
    if [ -e mute ]; then echo "loading" >&2; exit 9; fi
    while [ -e held ]; do touch waiting; sleep 0.1; done
esac
if [ -e halved ] && [ "$1 $4 $5" = "predict --shard 3" ]; then
    {tools}/genometracks "$@" && rm results/small/work/shards/3.json && touch waiting
    while [ -e halved ]; do sleep 0.1; done
fi
exec {tools}/genometracks "$@"
"""
"""A `genometracks` that records its calls, and fails or waits where a file asks for it."""


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


@pytest.fixture
def project(tmp_path, warm_tools) -> Path:
    """A run of four shards; a script that fails or waits on request precedes `genometracks`."""
    write_project(
        tmp_path, run="small", bases=3000, prediction=CPU, output={"parquet": False}, shards=4
    )
    tool = tmp_path / "bin" / "genometracks"
    tool.parent.mkdir()
    tool.write_text(TOOL.format(tools=pipeline.tools))
    tool.chmod(0o755)
    return tmp_path
