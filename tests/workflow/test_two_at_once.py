"""Two Snakemakes on one folder: the second is refused; without locks, the bytes are right."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import pipeline
from pipeline import run, snakemake
from scene import RESULTS, read_files, write_inputs

HOLD = """#!/bin/sh
case "$*" in *"--shard 1 "*) while [ -e held ]; do touch waiting; sleep 0.05; done;; esac
exec {tools}/genometracks "$@"
"""


@pytest.fixture
def project(tmp_path, warm_tools) -> Path:
    """A project without results, in which the prediction of shard 1 waits while `held` exists."""
    folder = tmp_path / "new"
    write_inputs(folder, trim=0)
    tool = folder / "bin" / "genometracks"
    tool.parent.mkdir()
    tool.write_text(HOLD.format(tools=pipeline.tools))
    tool.chmod(0o755)
    return folder


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_second_snakemake_is_refused_and_the_first_is_not_disturbed(project, finished_once):
    (project / "held").touch()
    path = f"{project}/bin:{pipeline.tools}:{os.environ['PATH']}"
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(snakemake, project, PATH=path)
        try:
            wait_for(project / "waiting")
            before = read_files(project / RESULTS)
            second = snakemake(project)
        finally:
            (project / "held").unlink()
        assert second.returncode == 1
        assert "Error: Directory cannot be locked." in second.stdout + second.stderr
        assert "--unlock" in second.stdout + second.stderr
        assert before.items() <= read_files(project / RESULTS).items()
        assert first.result().returncode == 0
    assert read_files(project / RESULTS) == read_files(finished_once / RESULTS)


@pytest.mark.parametrize("delay", [0, 0.2, 0.6])
def test_without_locks_both_write_the_same_bytes(project, finished_once, delay):
    """One may fail in one line, where the other deleted a file to write it again."""
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(snakemake, project, "--nolock")
        time.sleep(delay)
        second = threads.submit(snakemake, project, "--nolock", "--rerun-incomplete")
        ended = [first.result(), second.result()]
    assert {each.returncode for each in ended} <= {0, 1}
    right = read_files(finished_once / RESULTS)
    assert read_files(project / RESULTS).items() <= right.items()
    for log in (project / RESULTS / "logs").rglob("*.log"):
        assert "Traceback" not in log.read_text(), log.read_text()
    run(project, "--rerun-incomplete")
    assert read_files(project / RESULTS) == right
