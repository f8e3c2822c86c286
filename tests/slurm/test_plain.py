"""A Slurm without accounting, with the two lines of the profile for that case."""

import shutil

import pytest

from pipeline import run

pytestmark = pytest.mark.slurm
ACCOUNTING = False


def test_ended_and_failed_jobs_are_noticed_without_accounting(cluster, project, tmp_path):
    shutil.copytree(project.folder, tmp_path / "local")
    run(tmp_path / "local", "--until", "merge")
    project.hold("0")
    process = project.start("--until", "merge")
    project.await_held("0")
    assert "disabled" in cluster.ask("bash", "-c", "sacct 2>&1")
    cluster.ask("scancel", project.list_shard_calls("0")[0]["SLURM_JOB_ID"])
    project.await_held("0", times=2)
    project.release("0")
    project.finish(process)
    shards = tmp_path / "local/results/lab/work/shards"
    wanted = {path.name: path.read_bytes() for path in sorted(shards.glob("*.npy"))}
    assert project.read_shards() == wanted and len(wanted) == 4
    assert [len(project.list_shard_calls(shard)) for shard in "0123"] == [2, 1, 1, 1]
