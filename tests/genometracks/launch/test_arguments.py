"""The command line of Snakemake, the cores that it may use, and its events."""

import logging
import os
import time
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from genometracks.errors import UserError
from genometracks.launch.arguments import write_arguments
from genometracks.launch.cores import count_cores
from genometracks.launch.events import Event, read_event, write_event
from genometracks.launch.jobs import Jobs, Task
from genometracks.launch.plugin import make_event
from genometracks.places import find_profile, find_snakefile


def test_the_arguments_name_workflow_config_profile_and_cores():
    assert write_arguments(Path("my.yaml"), cores=3, more=["--until", "merge"]) == [
        *("--snakefile", str(find_snakefile()), "--configfile", "my.yaml"),
        *("--workflow-profile", str(find_profile("local")), "--logger", "genometracks"),
        *("--cores", "3", "--rerun-incomplete", "--until", "merge"),
    ]


def test_a_cluster_profile_says_itself_how_many_cores():
    assert "--cores" not in write_arguments(Path("my.yaml"), profile="slurm")
    assert "--cores" in write_arguments(Path("my.yaml"))


def test_a_config_whose_name_begins_with_a_dash_is_no_option():
    words = write_arguments(Path("-n.yaml"))
    assert words[words.index("--configfile") + 1] == "./-n.yaml"


@pytest.mark.parametrize("name", ["profile.yaml", "config.yaml", "profile.v9+.yaml"])
def test_a_profile_may_be_a_folder_of_the_user(tmp_path, name):
    (tmp_path / name).write_text("jobs: 2\n")
    assert str(tmp_path) in write_arguments(Path("my.yaml"), profile=str(tmp_path))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"profile": "nope"},
            "--profile nope: neither local nor slurm nor a folder with a profile",
        ),
        ({"cores": 0}, "--cores 0: must be at least 1"),
        ({"more": ["--config", "a=1"]}, "-- --config: write the key into the config"),
        (
            {"more": ["--configfi=x"]},
            "-- --configfi: give the config to genometracks: genometracks",
        ),
        ({"more": ["-np"]}, "-- -np: give it before --: genometracks run my.yaml -n"),
        ({"more": ["-k", "-s", "x"]}, "-- -s: genometracks run has its own: use `snakemake`"),
    ],
)
def test_options_that_contradict_are_refused(how, message):
    with pytest.raises(UserError) as caught:
        write_arguments(Path("my.yaml"), **how)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("files", "line", "cores"),
    [
        ({}, "0::/\n", None),
        ({"cpu.max": "max 100000\n"}, "0::/\n", None),
        ({"cpu.max": "150000 100000\n"}, "0::/\n", 1),
        ({"job/cpu.max": "50000 100000\n"}, "0::/job/step\n", 1),
        ({"cpu/box/cpu.cfs_quota_us": "100000", "cpu/box/cpu.cfs_period_us": "100000"},
         "4:cpuacct,cpu:/box\n", 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "1:cpu:/\n", None),
    ],
)  # fmt: skip
def test_cores_heed_the_quota_of_the_control_group(tmp_path, files, line, cores):
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text)
    (tmp_path / "own").write_text(line)
    found = count_cores(tmp_path / "groups", tmp_path / "own")
    assert found == (cores or len(os.sched_getaffinity(0)))


def make_record(**fields) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": "text", **fields})


def test_events_of_snakemake_pass_through_a_pipe():
    job = {"jobid": 3, "rule_name": "predict", "log": ["r/logs/predict/1.log"], "reason": "why"}
    found = [
        make_event(make_record(event=LogEvent.JOB_INFO, **job)),
        make_event(make_record(event=LogEvent.JOB_ERROR, rule_msg=None, **job)),
        make_event(make_record(event=LogEvent.JOB_FINISHED, job_id=3)),
        make_event(make_record(event=LogEvent.ERROR)),
        make_event(make_record()),
    ]
    logs = ("r/logs/predict/1.log",)
    assert abs(found[0].time - time.time()) < 60
    assert found == [
        Event("started", 3, "predict", logs, "why", found[0].time),
        Event("failed", 3, "predict", logs),
        Event("finished", 3),
        Event("error", text="text"),
        None,
    ]
    assert [read_event(write_event(each)[:-1]) for each in found[:4]] == found[:4]
    assert read_event(b'{"kind": "other"}') is None and read_event(b"\xff") is None


def test_jobs_are_those_of_runs_by_their_logs():
    jobs = Jobs({"a": Path("r/a"), "ab": Path("r/ab")})
    logs = ["r/ab/logs/predict/07.log", "r/a/logs/bigwig_2.log", "r/shared/g-1/logs/genome.log"]
    tasks = [jobs.update(Event("started", i, "rule", (log,))) for i, log in enumerate(logs)]
    assert [(task.run, task.name) for task in tasks] == [
        ("ab", "predict shard 07"),
        ("a", "bigwig 2"),
        (None, "genome"),
    ]
    assert jobs.list_running("ab") == [Task("ab", "predict", "07", Path(logs[0]))]
    jobs.update(Event("failed", 0))
    jobs.update(Event("finished", 1))
    assert list(jobs.failed) == [0] and list(jobs.running) == [2] and jobs.finished == 1
    jobs.update(Event("started", 0, "rule", (logs[0],)))
    assert not jobs.failed, "it is tried again"
