"""After a failed job or a killed Snakemake, the next run does only what is missing."""

import base64
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pipeline
from pipeline import ROOT, run, snakemake


def path_of(project: Path) -> dict[str, str]:
    return {"PATH": f"{project}/bin:{os.environ['PATH']}"}


def take_predictions(project: Path) -> list[str]:
    """Shards whose prediction was started since the last call."""
    calls = (project / "calls").read_text().splitlines()
    (project / "calls").unlink()
    return sorted(line.split()[4] for line in calls if line.startswith("predict"))


def count_finished(project: Path) -> int:
    """Number of predictions whose end Snakemake has noticed: it has recorded their outputs."""
    recorded = project / ".snakemake" / "metadata"
    names = [base64.urlsafe_b64decode(path.name) for path in recorded.glob("*")]
    return sum(name.endswith(b".npy") for name in names)


def describe_run(project: Path) -> list[str]:
    """The lines of `genometracks status`."""
    done = subprocess.run(
        [f"{pipeline.tools}/genometracks", "status", "results/small"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_other_shards_are_kept_when_one_fails(project):
    (project / "broken").touch()
    done = snakemake(project, "--keep-going", "--show-failed-logs", **path_of(project))
    assert done.returncode == 1
    assert "no such luck" in done.stdout + done.stderr
    assert (
        "small  3 of 4 shards; failed: shard 1: genometracks predict: no such luck" in done.stdout
    )
    assert take_predictions(project) == ["0", "1", "2", "3"]
    assert not (project / "results/small/bigwig").exists()
    (project / "broken").unlink()
    run(project, **path_of(project))
    assert take_predictions(project) == ["1"]
    assert len(list((project / "results/small/bigwig").iterdir())) == 3


def test_a_killed_snakemake_resumes(project):
    (project / "held").touch()
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2"]
    process = subprocess.Popen(
        [*command, "--configfile", "config.yaml"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}", **path_of(project)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    shards = project / "results/small/work/shards"
    others = [shards / f"{shard}.json" for shard in (0, 2, 3)]
    end = time.monotonic() + 240
    while not (project / "waiting").exists() or count_finished(project) < 3:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (project / "held").unlink()
    (advice,) = [line for line in describe_run(project) if "--unlock" in line]
    assert advice.startswith("Snakemake was killed and left its lock: if no other Snakemake runs")
    kept = {path: path.stat().st_mtime_ns for path in others}
    take_predictions(project)

    locked = snakemake(project, **path_of(project))
    assert locked.returncode == 1 and "--unlock" in locked.stdout + locked.stderr
    run(project, "--unlock", **path_of(project))
    assert not [line for line in describe_run(project) if "--unlock" in line]
    run(project, "--rerun-incomplete", **path_of(project))
    assert take_predictions(project) == ["1"]
    assert {path: path.stat().st_mtime_ns for path in others} == kept
    assert len(list((project / "results/small/bigwig").iterdir())) == 3
