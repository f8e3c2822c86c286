"""A full disk, or a folder without write permission, under Snakemake: one line, nothing is lost."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import pipeline
from pipeline import run, snakemake
from scene import RESULTS, read_files, write_inputs

LIMIT = """#!/bin/sh
export WARM_HOW='{how}'
exec {tools}/genometracks "$@"
"""


def find_errors(project: Path) -> set[str]:
    """Errors in the logs of the stages, which hold no traceback."""
    found = set()
    for log in (project / RESULTS / "logs").rglob("*.log"):
        text = log.read_text()
        assert "Traceback" not in text, text
        found |= {line for line in text.splitlines() if re.match(r"genometracks \w+: ", line)}
    return found


def check_and_finish(project: Path, right: dict[str, bytes]) -> None:
    """Nothing is half-written, and the same command ends with the right bytes."""
    assert read_files(project / RESULTS).items() < right.items()
    run(project, "--rerun-incomplete")
    assert read_files(project / RESULTS) == right
    assert not list((project / RESULTS).rglob("*.part"))


@pytest.fixture
def disk(tmp_path):
    """A file system of 250 kB; `grow` makes it larger."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=250k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_loses_nothing(disk, tmp_path, finished_once):
    write_inputs(tmp_path / "new", trim=0)
    project = Path(shutil.copytree(tmp_path / "new", disk / "project"))
    assert snakemake(project).returncode == 1
    find_errors(project)  # Snakemake itself may be the one that finds no space
    assert not (project / RESULTS / "summary.txt").exists()
    subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
    check_and_finish(project, read_files(finished_once / RESULTS))


@pytest.mark.parametrize(("limit", "stage"), [(600, "model"), (1500, "genome"), (5000, "parquet")])
def test_jobs_without_space_fail_in_one_line(tmp_path, finished_once, limit, stage):
    write_inputs(tmp_path / "new", trim=0)
    project = tmp_path / "new"
    (project / "bin").mkdir()
    tool = project / "bin" / "genometracks"
    tool.write_text(LIMIT.format(how=json.dumps({"limit": limit}), tools=pipeline.tools))
    tool.chmod(0o755)
    assert snakemake(project, PATH=f"{project}/bin:{os.environ['PATH']}").returncode == 1
    errors = find_errors(project)
    assert any(line.startswith(f"genometracks {stage}: ") for line in errors), errors
    assert all(
        re.search(rf": {RESULTS}/\S+: cannot be written: .*File too large: check the", line)
        for line in errors
    )
    check_and_finish(project, read_files(finished_once / RESULTS))


@pytest.mark.parametrize("closed", ["results", "results/storm/logs", "results/storm/work/shards"])
def test_a_folder_without_write_permission_loses_nothing(finished, closed):
    right = read_files(finished / RESULTS)
    for path in (finished / RESULTS).glob("work/shards/1.*"):
        path.unlink()
    (finished / RESULTS / "work/merge.json").unlink()
    (finished / RESULTS / "bigwig/one.bw").unlink()
    kept = read_files(finished / RESULTS)
    folders = [path for path in (finished / closed).rglob("*") if path.is_dir()]
    folders.append(finished / closed)
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = snakemake(finished, WARM_HOW=json.dumps({"heed": True}))
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 1
    if closed.endswith("shards"):
        assert find_errors(finished) == {
            f"genometracks predict: {RESULTS}/work/shards/1.npy: cannot be written: Permission "
            "denied: check the folder's permissions and the free space"
        }
    else:
        place = closed if closed.endswith("logs") else RESULTS
        line = f"grelu-tracks: {place}: cannot be written to: change 'results' or its permissions"
        assert (done.stdout + done.stderr).strip().split("\n") == [line]
    assert read_files(finished / RESULTS) == kept
    check_and_finish(finished, right)
