"""A FASTA or weights that change between two runs: only what depends on them is predicted again."""

import os
import re
import shutil
from pathlib import Path

import pytest

from pipeline import run, snakemake
from scene import RESULTS, change_a_base, change_a_weight, read_files

SHARDS = RESULTS / "work/shards"


def keep_times(change, project: Path) -> Path:
    """Change a file, but neither its size nor its modification time."""
    before = {path: path.stat() for path in project.iterdir() if path.is_file()}
    path = change(project)
    os.utime(path, ns=(before[path].st_atime_ns, before[path].st_mtime_ns))
    assert path.stat().st_size == before[path].st_size
    return path


def list_inodes(project: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in (project / SHARDS).iterdir()}


def run_anew(project: Path) -> dict[str, bytes]:
    """Files of a run of the project's inputs in another folder."""
    other = project.with_name("anew")
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("results", ".snakemake"))
    run(other)
    return read_files(other / RESULTS)


@pytest.mark.parametrize(
    ("change", "again"),
    [(change_a_base, ["0.json", "0.npy"]), (change_a_weight, None)],
    ids=["FASTA", "weights"],
)
def test_shards_that_depend_on_a_changed_input_are_predicted_again(finished, change, again):
    before, old = list_inodes(finished), read_files(finished / RESULTS)
    for path in (finished / SHARDS).iterdir():
        os.link(path, finished / path.name)  # so that no new file gets the number of an old one
    change(finished)
    run(finished)
    now = list_inodes(finished)
    assert sorted(name for name in now if now[name] != before[name]) == (again or sorted(before))
    found = read_files(finished / RESULTS)
    assert found == run_anew(finished) and found != old


@pytest.mark.parametrize("change", [change_a_base, change_a_weight], ids=["FASTA", "weights"])
def test_results_stay_those_of_the_inputs_that_they_were_made_from(finished, change):
    """Snakemake does not see a change that leaves size and time as they are."""
    before = read_files(finished / RESULTS)
    keep_times(change, finished)
    assert "Nothing to be done" in run(finished)
    shutil.rmtree(finished / RESULTS / "bigwig")
    run(finished)
    assert read_files(finished / RESULTS) == before


def lose_a_shard(project: Path) -> None:
    """Delete a shard and results made from it; a run finds that, and the next one repairs it."""
    shutil.rmtree(project / RESULTS / "bigwig")
    for path in (project / SHARDS).glob("2.*"):
        path.unlink()
    assert snakemake(project).returncode == 1
    (line,) = re.findall(
        r"^genometracks bigwig: .*$", (project / RESULTS / "logs/bigwig.log").read_text(), re.M
    )
    assert re.search(r"/work/shards/2\.npy: shard 2 \(bins from \S+\) is missing: run again$", line)


def test_a_lost_shard_is_predicted_from_the_prepared_genome(finished):
    before = read_files(finished / RESULTS)
    keep_times(change_a_base, finished)
    lose_a_shard(finished)
    run(finished)
    assert read_files(finished / RESULTS) == before


def test_a_lost_shard_is_not_predicted_with_other_weights(finished):
    weights = keep_times(change_a_weight, finished)
    lose_a_shard(finished)
    kept = read_files(finished / RESULTS)
    assert snakemake(finished).returncode == 1
    log = (finished / RESULTS / "logs/predict/2.log").read_text()
    assert "genometracks predict: m.safetensors: the weights changed since the plan was made" in log
    assert "Traceback" not in log and read_files(finished / RESULTS) == kept
    weights.touch()
    run(finished)
    assert read_files(finished / RESULTS) == run_anew(finished)
