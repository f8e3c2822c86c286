"""Files that are deleted after a finished run: results are restored without a prediction."""

import re
import shutil
from pathlib import Path

import pytest

from pipeline import run, snakemake
from scene import RESULTS, read_files

LOST = {
    "bigwig/one.bw": {"bigwig", "browse", "manifest", "summary", "report"},
    "parquet": {"parquet", "manifest", "summary", "report"},
    "evaluation.tsv": {"evaluate", "manifest", "summary", "report"},
    "figures/scatter_0.png": {"evaluate", "manifest", "summary", "report"},
    "tracks.tsv": {"tracks", "manifest", "summary", "report"},
    "manifest.json": {"manifest", "summary", "report"},
    "summary.txt": {"summary", "report"},
    "report.html": {"report"},
}


def delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def list_rules(output: str) -> set[str]:
    return set(re.findall(r"^localrule (\w+):", output, re.M)) - {"default"}


@pytest.mark.parametrize("name", LOST)
def test_a_lost_result_is_restored_without_a_prediction(finished, name):
    right = read_files(finished / RESULTS)
    delete(finished / RESULTS / name)
    assert list_rules(run(finished)) == LOST[name]
    assert read_files(finished / RESULTS) == right


def test_a_finished_run_does_not_need_its_work_files(finished):
    right = read_files(finished / RESULTS)
    delete(finished / RESULTS / "work")
    delete(finished / RESULTS / "logs")
    assert "Nothing to be done" in run(finished)
    kept = {name: data for name, data in right.items() if not name.startswith("work/")}
    assert read_files(finished / RESULTS) == kept
    delete(finished / RESULTS / "tracks.tsv")
    run(finished)
    assert read_files(finished / RESULTS).items() >= kept.items()


WORK = ["genome.fa", "genome.fa.fai", "genome.json", "model.json", "observed.json", "plan.json"]
WORK += ["merge.json", "shards/1.npy", "shards/1.json"]


@pytest.mark.parametrize("name", WORK)
def test_a_work_file_lost_with_results_is_made_again(finished, name):
    """A lost shard is found by the job that reads it; the next run predicts it again.

    Data without a sidecar have to be deleted first, as the error says.
    """
    right = read_files(finished / RESULTS)
    for each in (f"work/{name}", "bigwig", "parquet"):
        delete(finished / RESULTS / each)
    for attempt in range(3):
        if not snakemake(finished).returncode:
            break
        assert attempt < 2
        (error,) = find_errors(finished)
        found = re.fullmatch(
            r"genometracks \w+: (\S+/1\.npy): shard 1 \(bins from \S+\) is missing: "
            r"(delete it and )?run again",
            error,
        )
        assert name.startswith("shards/") and found, error
        if name.endswith(".json") and not (finished / RESULTS / "work/merge.json").exists():
            (finished / found[1]).unlink()
    found = read_files(finished / RESULTS)
    assert found.items() <= right.items()
    assert right.keys() - found.keys() <= {f"work/{name}"}


def find_errors(project: Path) -> set[str]:
    """Errors in the logs, which are deleted, without the name of the stage repeated."""
    found = {}
    for log in (project / RESULTS / "logs").rglob("*.log"):
        for line in log.read_text().splitlines():
            if line.startswith("genometracks "):
                found[line.partition(": ")[2]] = line
        log.unlink()
    return set(found.values())
