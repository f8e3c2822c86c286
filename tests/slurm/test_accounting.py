"""Jobs on a Slurm with accounting: whatever the cluster does to them, results are the same."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import until
from pipeline import ROOT, run

pytestmark = pytest.mark.slurm
ACCOUNTING = True
RESULTS = ("*.tsv", "bigwig/*", "parquet/*/*", "figures/*")


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in RESULTS
        for path in folder.glob(pattern)
    }


def list_jobs(cluster, rule: str, *fields: str) -> list[list[str]]:
    """Fields of the jobs of a rule, from the accounting, in order."""
    words = [
        "sacct",
        "-X",
        "-n",
        "-P",
        "--delimiter=\t",
        "-o",
        ",".join(["jobid", "comment", *fields]),
    ]
    rows = [line.split("\t") for line in cluster.ask(*words).splitlines()]
    return [row[2:] for row in rows if row[1].startswith(f"rule_{rule}")]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Predict the shards of the small project without a scheduler."""
    kept: dict[str, bytes] = {}

    def predict(project) -> dict[str, bytes]:
        if not kept:
            folder = tmp_path_factory.mktemp("local") / "project"
            shutil.copytree(project.folder, folder)
            run(folder, "--until", "merge")
            shards = folder / "results/lab/work/shards"
            kept.update({path.name: path.read_bytes() for path in sorted(shards.glob("*.npy"))})
        return kept

    return predict


def test_the_demo_has_the_bytes_of_a_local_run(cluster, project, tmp_path):
    local = tmp_path / "local"
    local.mkdir()
    for folder in (project.folder, local):
        shutil.copytree(ROOT / "config", folder / "config")
        shutil.copy(ROOT / "config/config.yaml", folder / "config.yaml")
        (folder / "data").symlink_to(ROOT / "data")
    fetch = [sys.executable, str(ROOT / "config/demo/fetch.py"), "data/demo"]
    subprocess.run(fetch, cwd=ROOT, check=True)
    run(local)
    project.hold("0", "1")  # two jobs use a device at the same time
    process = project.start()
    until(lambda: len(project.list_calls("predict")) >= 2, "two predictions start", seconds=200)
    project.release("0", "1")
    project.finish(process)
    found = digests(project.folder / "results/demo")
    assert len(found) == 7 and found == digests(local / "results/demo")
    assert (
        list_jobs(cluster, "predict", "reqtres%100")
        == [["billing=1,cpu=1,gres/gpu=1,mem=8000M,node=1"]] * 4
    )
    assert [row for row in list_jobs(cluster, "genome", "reqtres%100") if "gpu" in row[0]] == []
    first, second, *_ = project.list_calls("predict")
    assert {first["CUDA_VISIBLE_DEVICES"], second["CUDA_VISIBLE_DEVICES"]} == {"0", "1"}
    for device in "01":  # never two jobs on one device
        spans = [
            (call["time"], event)
            for event in ("start", "end")
            for call in project.list_calls("predict", event)
            if call["CUDA_VISIBLE_DEVICES"] == device
        ]
        assert [event for _, event in sorted(spans)] == ["start", "end"] * (len(spans) // 2)


def test_cancelled_jobs_and_jobs_out_of_memory_are_retried(cluster, project, expected):
    wanted = expected(project)
    before = len(list_jobs(cluster, "predict"))
    project.hold("0")
    (project.trouble / "eat-1").touch()
    process = project.start("--until", "merge")
    project.await_held("0")
    cluster.ask("scancel", project.list_shard_calls("0")[0]["SLURM_JOB_ID"])
    until(lambda: len(project.list_shard_calls("0")) == 2, "a second attempt", seconds=120)
    project.release("0")
    project.finish(process)
    assert project.read_shards() == wanted and len(wanted) == 4
    jobs = list_jobs(cluster, "predict", "jobid", "state", "reqmem", "timelimitraw")[before:]
    states = {job: (state.split()[0], memory, limit) for job, state, memory, limit in jobs}
    numbers = {s: [call["SLURM_JOB_ID"] for call in project.list_shard_calls(s)] for s in "0123"}
    assert [states[job] for job in numbers["0"]] == [
        ("CANCELLED", "8000M", "120"),
        ("COMPLETED", "16000M", "240"),
    ]
    # Without cgroups, the accounting reports a job killed for its memory as FAILED.
    (first, *_), second = (states[job] for job in numbers["1"])
    assert first in ("FAILED", "OUT_OF_MEMORY") and second == ("COMPLETED", "16000M", "240")
    assert len(numbers["2"]) == len(numbers["3"]) == 1
    output = (project.folder / "output.txt").read_text()
    assert "Trying to restart job" in output


@pytest.mark.parametrize("partition", ["cpu", "gpu"])
def test_preempted_jobs_are_run_again(cluster, project, expected, partition):
    wanted = expected(project)
    project.hold("0")
    process = project.start(
        "--until", "merge", "--default-resources", f"slurm_partition={partition}"
    )
    project.await_held("0")
    cluster.ask("sbatch", "-p", "urgent", "--gres=gpu:2", "-o", "/dev/null", "--wrap=sleep 1")
    until(lambda: len(project.list_shard_calls("0")) == 2, "a second attempt", seconds=120)
    project.release("0")
    project.finish(process)
    assert project.read_shards() == wanted and len(wanted) == 4
    first, second = (call["SLURM_JOB_ID"] for call in project.list_shard_calls("0"))
    assert (first == second) == (partition == "gpu")  # else Snakemake restarted it


def test_a_killed_snakemake_resumes_from_its_shards(cluster, project, expected):
    wanted = expected(project)
    project.hold("2")
    process = project.start("--until", "merge")
    project.await_held("2")
    until(lambda: len(project.list_calls("predict", "end")) == 3, "three shards", seconds=120)
    project.kill(process)
    project.release("2")  # its job survives Snakemake, and ends
    until(lambda: not cluster.ask("squeue", "-h"), "no job is left", seconds=120)
    assert process.returncode == -9
    assert project.start("--until", "merge").wait() == 1  # the folder is locked
    assert "--unlock" in (project.folder / "output.txt").read_text()
    assert project.start("--unlock").wait() == 0
    project.run("--until", "merge")
    assert project.read_shards() == wanted
    logs = project.folder / "results/lab/logs/predict"
    for shard in "0123":
        calls = project.list_shard_calls(shard)
        kept = "is complete: nothing to predict" in (logs / f"{shard}.log").read_text()
        assert len(calls) == 1 or kept, shard


# The last test: a new controller may not notice that a device is free again.
def test_jobs_wait_for_a_drained_node_and_a_new_controller(cluster, project, expected):
    wanted = expected(project)
    project.hold(*"0123")
    process = project.start("--until", "merge")
    until(lambda: len(project.list_calls("predict")) == 2, "two jobs run", seconds=120)
    started = [shard for shard in "0123" if project.list_shard_calls(shard)]
    project.await_held(*started)
    cluster.set_node("drain")
    project.release(started[0])
    until(lambda: project.list_calls(started[0], "end"), "a job ends on a drained node")
    assert len(project.list_calls("predict")) == 2
    cluster.stop("slurmctld")
    assert "UP" not in cluster.ask("scontrol", "ping")
    cluster.start_controller()
    assert cluster.ask("sinfo", "-h", "-o", "%T", "-p", "gpu") in ("draining", "drained")
    project.release(*(shard for shard in "0123" if shard != started[0]))
    cluster.set_node("resume")
    project.finish(process)
    assert project.read_shards() == wanted
    assert [len(project.list_shard_calls(shard)) for shard in "0123"] == [1, 1, 1, 1]
