"""Jobs on Slurm: what is said of a failed one, and the end of those that a killed run left."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from genometracks.common.identity import Process
from genometracks.config.folders import RunFolder
from genometracks.errors import UserError
from genometracks.launch import slurm
from genometracks.launch.lock import Holder, hold_runs
from genometracks.launch.slurm import describe_failure, end_jobs, end_left, list_jobs

NAME = "3c1f-a"
DEAD = Holder("here", Process(Process.of_caller().system, 2**22 + 1, 1), "today", queues=(NAME,))
SQUEUE = """#!/bin/sh
echo "squeue $*" >> calls
if [ -e broken ]; then echo "slurm_load_jobs error: Unable to contact
slurm controller" >&2; exit 1; fi
cat jobs
"""
SCANCEL = """#!/bin/sh
echo "scancel $*" >> calls
cp after jobs
"""


@pytest.fixture
def queue(tmp_path, monkeypatch) -> Path:
    """A folder with a Slurm of two jobs, which end when they are cancelled."""
    for name, text in (("squeue", SQUEUE), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "jobs").write_text("7 RUNNING\n8 PENDING\n")
    (tmp_path / "after").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. Reason: x",
            "Slurm ended the job: TIMEOUT",
        ),
        (
            "SLURM-job '7' failed due to a node failure, SLURM status is: 'NODE_FAIL'. Failed",
            "Slurm ended the job: NODE_FAIL",
        ),
        (
            "SLURM sbatch failed. The error message was 'sbatch: error: a\nsbatch: it's b'.\n"
            "    sbatch call:\n        sbatch -p gpu\n",
            "sbatch failed: sbatch: error: a sbatch: it's b",
        ),
        (
            "Job submission failed with exception: no\x1b[0m account",
            "sbatch failed: no?[0m account",
        ),
        ("None", ""),
    ],
)
def test_the_reason_of_a_failed_job_is_one_line(said, shown):
    assert describe_failure(said) == shown


def test_jobs_of_a_killed_run_are_cancelled_and_awaited(queue, capsys):
    end_left([DEAD])
    calls = (queue / "calls").read_text().splitlines()
    who = f"--user={os.getuid()}"
    assert calls[1] == f"squeue --noheader --format=%i %T {who} --name={NAME}"
    assert [call for call in calls if call.startswith("scancel")] == [
        f"scancel --name={NAME} {who}"
    ]
    assert capsys.readouterr().err == (
        "note: 2 jobs of an earlier run are still on Slurm: they are cancelled\n"
    )
    end_left([DEAD])
    assert capsys.readouterr().err == "" and list_jobs(NAME) == {}


def test_processes_that_outlive_their_jobs_are_awaited(queue, monkeypatch):
    left = [[8], [8], []]
    monkeypatch.setattr(slurm, "find_snakemakes", lambda folder: left.pop(0))
    end_left([DEAD])
    assert left == []


def test_jobs_that_do_not_end_are_one_line(queue, monkeypatch):
    monkeypatch.setattr(slurm, "GRACE", 0.6)
    (queue / "after").write_text("7 RUNNING\n8 COMPLETING\n")
    with pytest.raises(UserError) as caught:
        end_left([DEAD])
    assert str(caught.value) == (
        "2 jobs of an earlier run are still on Slurm and do not end: wait until "
        f"`squeue --name={NAME}` lists none of them, and run again"
    )
    assert end_jobs(NAME) == ["7"]
    assert end_jobs(NAME, hurry=lambda: True) == ["7"]


def test_jobs_of_a_run_that_may_live_are_not_touched(queue):
    elsewhere = replace(DEAD, process=Process("another system", 1, 1), host="login\x1b2")
    with pytest.raises(UserError) as caught:
        end_left([elsewhere])
    assert str(caught.value) == (
        "2 jobs of an earlier run are still on Slurm: process 1 on login?2 started them: if it has "
        f"ended, cancel them, and run again: scancel --name={NAME}"
    )
    assert "scancel" not in (queue / "calls").read_text()


def test_a_slurm_that_does_not_answer_is_one_line(queue):
    (queue / "broken").touch()
    with pytest.raises(UserError) as caught:
        end_left([DEAD])
    assert str(caught.value) == (
        "squeue: slurm_load_jobs error: Unable to contact slurm controller: jobs that an earlier "
        "run left must end first: run again later"
    )


@pytest.mark.parametrize("name", ["", "-v", "a,b", "a b", "x" * 300])
def test_what_is_no_name_of_jobs_is_not_asked_for(queue, name):
    assert list_jobs(name) == {} and not (queue / "calls").exists()


def test_without_slurm_there_are_no_jobs(queue, monkeypatch):
    monkeypatch.setenv("PATH", str(queue / "empty"))
    end_left([DEAD])


def test_a_lock_keeps_the_names_of_jobs_until_they_have_ended(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(Path("results/a"))
    for queues, kept in ((("x",), ()), (None, ("x",)), ((), ("x",)), (None, ())):
        with hold_runs([folder]) as held:
            assert [q for holder in held.former for q in holder.queues] == list(kept)
            if queues is not None:
                held.sign(*queues)
