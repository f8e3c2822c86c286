"""`genometracks run` on Slurm: what it shows, and that no job is left or runs twice."""

import os
import re
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from cluster import until
from pipeline import run

pytestmark = pytest.mark.slurm
ACCOUNTING = True
LOG = "results/lab/logs/predict/{}.log"
SLURM_LOG = r"\.snakemake/slurm_logs/rule_predict/lab_{}/\d+\.log"


@pytest.fixture
def planned(project):
    """A project whose plan exists, so that the first jobs on Slurm are predictions."""
    path = project.folder / "config.yaml"
    config = yaml.safe_load(path.read_text())
    few = {"output": {"parquet": False}, "browser": {"write": False}}
    path.write_text(yaml.safe_dump(config | few))
    run(project.folder, "--until", "shards")
    return project


def end(process, *, seconds: float = 300) -> tuple[int, list[str], list[str]]:
    """Exit code and lines of a `genometracks run`."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out.splitlines(), err.splitlines()


def list_queue(cluster, *words: str) -> list[str]:
    return cluster.ask("squeue", "-h", *words).splitlines()


def await_predictions(project) -> None:
    """Wait until two predictions run, one per device."""
    until(lambda: len(project.list_calls("predict")) == 2, "two predictions", seconds=200)
    project.await_held(*(shard for shard in "0123" if project.list_shard_calls(shard)))


def test_a_job_that_succeeds_at_the_second_attempt_is_no_failure(cluster, planned, tmp_path):
    shutil.copytree(planned.folder, tmp_path / "local")
    run(tmp_path / "local")
    (planned.trouble / "fail-1").touch()
    status, out, err = end(planned.start_run())
    assert status == 0, err
    assert re.fullmatch(r"results/lab: done in \d:\d\d:\d\d", out[0])
    rows = [line.split()[:2] for line in out[1:]]
    assert rows == [
        ["report", "results/lab/report.html,"],
        ["bigWig", "results/lab/bigwig/:"],
        ["tracks", "results/lab/tracks.tsv:"],
        ["summary", "results/lab/summary.txt:"],
        ["manifest", "results/lab/manifest.json:"],
    ]
    (failed,) = [line for line in err if line.startswith("failed: ")]
    expected = rf"failed: lab: predict shard 1: no such luck \({LOG.format(1)}, {SLURM_LOG}\)"
    assert re.fullmatch(expected.format(1), failed)
    assert [line for line in err if line.startswith("again: ")] == [
        "again: lab: predict shard 1: attempt 2"
    ]
    assert err.index(failed) < err.index("again: lab: predict shard 1: attempt 2")
    stages = ("tracks", "predict", "merge", "bigwig", "manifest", "summary", "report")
    assert {f"lab: {stage}" for stage in stages} <= set(err)
    assert list_queue(cluster) == []
    for path in sorted((tmp_path / "local/results/lab/bigwig").iterdir()):
        assert (planned.folder / "results/lab/bigwig" / path.name).read_bytes() == path.read_bytes()


def test_failures_are_told_by_the_log_or_by_slurm(cluster, planned):
    (planned.trouble / "broken-1").touch()
    planned.hold("0")
    process = planned.start_run("--until", "merge", "--retries", "0")
    planned.await_held("0")
    cluster.ask("scancel", planned.list_shard_calls("0")[0]["SLURM_JOB_ID"])
    status, out, err = end(process)
    assert (status, out) == (1, [])
    failed = {line.split(": ")[2]: line for line in err if line.startswith("failed: ")}
    assert set(failed) == {"predict shard 0", "predict shard 1"}
    place = rf"\({LOG}, {SLURM_LOG}\)"
    known = rf"failed: lab: predict shard 1: no such luck {place.format(1, 1)}"
    assert re.fullmatch(known, failed["predict shard 1"])
    ended = rf"failed: lab: predict shard 0: Slurm ended the job: CANCELLED {place.format(0, 0)}"
    assert re.fullmatch(ended, failed["predict shard 0"])
    assert err[-1].startswith("genometracks run: 2 jobs failed, see above and .snakemake/log/")


def test_a_refused_submission_is_not_explained_by_an_older_log(planned):
    log = planned.folder / LOG.format(1)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("genometracks predict: an error of last week\n")
    options = ["--retries", "0", "--default-resources", "slurm_partition=nowhere"]
    status, out, err = end(planned.start_run("--until", "merge", *options))
    assert (status, out) == (1, [])
    failed = [line for line in err if line.startswith("failed: lab: predict shard 1: ")]
    assert failed == [
        "failed: lab: predict shard 1: sbatch failed: sbatch: error: invalid partition specified: "
        "nowhere sbatch: error: Batch job submission failed: Invalid partition name specified "
        f"({LOG.format(1)})"
    ]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_no_job_in_the_queue(cluster, planned, number, status):
    planned.hold(*"0123")
    process = planned.start_run()
    await_predictions(planned)
    process.send_signal(number)
    code, out, err = end(process, seconds=60)
    assert list_queue(cluster) == []
    assert (code, out) == (status, [])
    assert "ending the jobs; a second Ctrl-C kills them at once" in err
    assert err[-1].endswith(": run again to continue")
    assert not list(planned.shards.glob("*")) and not list(planned.shards.glob(".*"))


def test_jobs_of_a_killed_run_end_before_the_next_one_starts_its_own(cluster, planned):
    planned.hold(*"0123")
    process = planned.start_run()
    await_predictions(planned)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()  # as a crash of the login node does: nobody cancels the jobs
    with suppress(ProcessLookupError):
        os.killpg(int(child), signal.SIGKILL)
    process.communicate()
    first = {call["SLURM_JOB_ID"] for call in planned.list_calls("predict")}
    assert len(list_queue(cluster)) >= 4
    second = planned.start_run("--until", "merge")
    until(
        lambda: len(planned.list_calls("predict")) == 4 or second.poll() is not None,
        "two more predictions",
        seconds=120,
    )
    assert second.poll() is None, end(second)
    assert not first & {line.split()[0] for line in list_queue(cluster)}
    planned.release(*"0123")
    status, _, err = end(second)
    note = r"note: \d jobs of an earlier run are still on Slurm: they are cancelled"
    assert re.fullmatch(note, err[0])
    assert err[1] == "note: an earlier Snakemake was killed; its lock is removed"
    assert status == 1 and "not complete: Snakemake did what its options asked" in err[-1]
    assert len(planned.read_shards()) == 4 and not [line for line in err if "failed" in line]
    ends = {call["SLURM_JOB_ID"]: call["time"] for call in planned.list_calls("predict", "end")}
    begins = {call["SLURM_JOB_ID"]: call["time"] for call in planned.list_calls("predict")}
    assert len(begins) == 6 and first < set(begins)
    second_begins = min(begins[job] for job in set(begins) - first)
    assert all(ends[job] < second_begins for job in first)
