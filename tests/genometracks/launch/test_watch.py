"""What is shown of jobs that fail, are tried again, or never began."""

import logging
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from genometracks.launch.events import Event
from genometracks.launch.jobs import Jobs
from genometracks.launch.plugin import make_event
from genometracks.launch.watch import describe_failure, name_task

LOG = Path("results/a/logs/predict/3.log")
SAID = "SLURM-job '7' failed, SLURM status is: 'FAILED'. Reason: Unknown."


@pytest.fixture
def jobs(tmp_path, monkeypatch) -> Jobs:
    monkeypatch.chdir(tmp_path)
    LOG.parent.mkdir(parents=True)
    return Jobs({"a": Path("results/a")})


def start(jobs: Jobs):
    return jobs.update(Event("started", 3, "predict", (str(LOG),)))


def fail(jobs: Jobs, text: str = "None", *logs: str) -> str:
    event = Event("failed", 3, "predict", (str(LOG), *logs), text)
    return describe_failure(jobs.update(event), event)


def test_a_job_that_is_tried_again_has_a_number_and_is_no_failure(jobs):
    assert start(jobs).attempt == 1
    fail(jobs)
    assert list(jobs.failed) == [3]
    task = start(jobs)
    assert (task.attempt, name_task(task), jobs.failed) == (2, "a: predict shard 3", {})
    jobs.update(Event("finished", 3))
    assert (jobs.finished, jobs.failed, jobs.running) == (1, {}, {})


def test_the_error_of_the_log_comes_first_then_what_slurm_says(jobs, tmp_path):
    slurm = tmp_path / ".snakemake/slurm_logs/7.log"
    start(jobs)
    LOG.write_text("genometracks predict: no such luck\n")
    assert fail(jobs, SAID, str(slurm), "/elsewhere/7.log") == (
        f"no such luck ({LOG}, .snakemake/slurm_logs/7.log, /elsewhere/7.log)"
    )
    start(jobs)
    LOG.write_text("loading\n")
    assert fail(jobs, SAID) == f"Slurm ended the job: FAILED ({LOG})"


def test_what_slurm_says_of_a_job_that_it_ended_comes_first(jobs):
    start(jobs)
    LOG.write_text("genometracks predict: ended by SIGTERM: run again to continue\n")
    said = SAID.replace("FAILED", "TIMEOUT")
    assert fail(jobs, said) == f"Slurm ended the job: TIMEOUT ({LOG})"


def test_the_log_of_an_earlier_job_explains_nothing(jobs):
    LOG.write_text("genometracks predict: an error of last week\n")
    start(jobs)
    assert fail(jobs) == (
        f"ended without an error, as a job that is killed for its memory does ({LOG})"
    )
    assert fail(jobs, SAID) == f"Slurm ended the job: FAILED ({LOG})"


def test_the_name_of_all_jobs_on_slurm_is_passed_on():
    record = logging.makeLogRecord({"msg": "SLURM run ID: 3c1f-a", "levelno": logging.INFO})
    assert make_event(record) == Event("queue", text="3c1f-a")
    other = logging.makeLogRecord({"msg": "SLURM run ID: 3c1f-a", "event": LogEvent.JOB_STARTED})
    assert make_event(other) is None


def test_a_log_that_was_written_before_the_start_was_read_is_of_the_job(tmp_path):
    log = tmp_path / "logs" / "predict" / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text("quick")
    now = log.stat().st_mtime
    for started, has_log in {now - 0.01: True, now + 0.5: True, now + 60: False}.items():
        jobs = Jobs({"a": tmp_path})
        task = jobs.update(Event("started", 1, "predict", (str(log),), "", started))
        assert task.has_log == has_log
