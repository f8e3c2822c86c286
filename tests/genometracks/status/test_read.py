"""Progress of a run, read from real files in its folder, at a time that the test sets."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from genometracks.cli import main
from genometracks.common.identity import Process
from genometracks.errors import UserError
from genometracks.plan.plan import Plan
from genometracks.status.read import list_runs, read_status
from genometracks.status.report import as_json, describe_runs, describe_status

NOW = datetime(2026, 1, 2, 3, 0, tzinfo=UTC).timestamp()


def stamp(seconds: float) -> str:
    """A time in the format of logs, `seconds` before NOW."""
    return datetime.fromtimestamp(NOW - seconds, UTC).isoformat(timespec="milliseconds")


def write_log(run, name: str, *lines: str, age: float = 0.0) -> None:
    """Write a log that was last changed `age` seconds before NOW."""
    log = run.folder / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(f"{line}\n" for line in lines))
    os.utime(log, (NOW - age, NOW - age))


def write_progress(run, shard: str, *, age: float = 3.0, **changes) -> None:
    """Write the progress file of a job: 4 of 8 windows, `age` seconds before NOW."""
    path = run.work / "progress" / f"{shard}.json"
    numbers = {"done": 4, "total": 8, "rate": 0.5, "host": "node7", "pid": 123}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"shard": shard, **numbers, "updated": NOW - age, **changes}))


@pytest.fixture
def started(make_run):
    """Five shards of 8 windows: done, done in 4 s, running, failed, waiting."""
    run = make_run(shards=5, trim=3)
    plan = run.plan()
    first, second, third, fourth, fifth = plan.shards
    run.predict(first.id, second.id)
    ended = [f"{stamp(90)} started predict ", f"{stamp(86)} finished predict "]
    write_log(run, f"predict/{first.id}", *ended, age=86)
    write_log(run, f"predict/{third.id}", f"{stamp(60)} started predict ", "loading")
    write_progress(run, third.id)
    error = "genometracks predict: the disk is full"
    write_log(run, f"predict/{fourth.id}", f"{stamp(60)} started predict ", error)
    assert [s.last - s.first for s in plan.shards] == [8, 8, 8, 8, plan.windows - 32]
    return run


def test_every_shard_has_a_state(started):
    status = read_status(started.folder, now=NOW)
    assert [job.state for job in status.shards] == ["done", "done", "running", "failed", "waiting"]
    assert status.windows == 8 + 8 + 4 and status.shards[2].rate == 0.5
    assert status.shards[0].seconds == 4.0 and status.mean_rate == 2.0
    assert status.rate == 0.5
    plan = Plan.load(started.work / "plan.json")
    assert status.expected == plan.bins * 3 * 4
    sizes = [path.stat().st_size for path in started.shards().glob("*.npy")]
    assert status.written == sum(sizes) and len(sizes) == 2


def test_the_text_reports_shards_rates_and_errors(started):
    text = describe_status(read_status(started.folder, now=NOW))
    plan = Plan.load(started.work / "plan.json")
    left = plan.windows - 20
    assert "2 of 5 shards; failed: shard 3: genometracks predict: the disk is full" in text
    assert "shards   2 done, 1 running, 1 failed, 1 waiting of 5" in text
    assert f"windows  20 of {plan.windows} (" in text
    minutes, seconds = divmod(round(left / 0.5), 60)
    assert f"0.5 windows/s, {0.5 * plan.geometry.owned * 4:.0f} bp/s, " in text
    assert f"0:{minutes:02d}:{seconds:02d} left" in text
    assert "running  shard 2: 4 of 8 windows, 0.5 windows/s on node7\n" in text
    assert f"failed  shard 3: genometracks predict: the disk is full ({started.folder}/logs" in text


def test_without_a_running_job_the_rate_is_that_of_ended_jobs(started):
    shutil.rmtree(started.folder / "logs" / "predict")
    shutil.rmtree(started.work / "progress")
    ended = [f"{stamp(90)} started predict ", f"{stamp(82)} finished predict "]
    write_log(started, "predict/0", *ended)
    status = read_status(started.folder, now=NOW)
    assert status.count("waiting") == 3 and status.rate == 0.0 and status.mean_rate == 1.0
    left = status.plan.windows - 16
    assert f"0:00:{left:02d} left if one job ran; none is running" in describe_status(status)


def test_a_silent_job_has_failed_unless_it_still_writes(started):
    write_log(started, "predict/2", f"{stamp(5000)} started predict ", "loading", age=601)
    write_progress(started, "2", age=601)
    job = read_status(started.folder, now=NOW).shards[2]
    assert job.state == "failed" and job.done == 0 and job.progress is None
    assert job.last.startswith("no output since ") and job.last.endswith("last log line: loading")
    write_progress(started, "2", age=599)
    assert read_status(started.folder, now=NOW).shards[2].state == "running"
    write_progress(started, "2", age=601)
    part = started.shards() / ".2.npy.abc.part"
    part.touch()
    os.utime(part, (NOW - 5, NOW - 5))
    assert read_status(started.folder, now=NOW).shards[2].state == "running"
    # A clock that is ahead gives a negative age, which is not an error.
    assert read_status(started.folder, now=NOW - 3600).shards[2].state == "running"


def test_files_take_precedence_over_logs(started):
    error = "genometracks predict: an error of an earlier attempt"
    write_log(started, "predict/0", error)
    assert read_status(started.folder, now=NOW).shards[0].state == "done"
    sidecar = started.shards() / "1.json"
    fields = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({**fields, "digest": "of another plan"}))
    write_log(started, "predict/1", f"{stamp(9)} started predict ", f"{stamp(8)} finished predict ")
    assert read_status(started.folder, now=NOW).shards[1].state == "waiting"
    sidecar.write_text("{")
    assert read_status(started.folder, now=NOW).shards[1].state == "waiting"


def test_a_log_sends_no_control_characters_to_the_terminal(started):
    write_log(started, "predict/3", "genometracks predict: \x1b[2J\x07" + "x" * 5000)
    job = read_status(started.folder, now=NOW).shards[3]
    assert job.last.startswith("genometracks predict: ?[2J?xxx") and len(job.last) == 160
    assert job.last.endswith("...")
    (started.folder / "logs/predict/3.log").write_bytes(b"\xff\xfe genometracks\x00")
    assert read_status(started.folder, now=NOW).shards[3].last == "?? genometracks?".replace(
        "??", "\ufffd\ufffd"
    )


def test_before_the_plan_only_stages_are_reported(make_run):
    run = make_run()
    run.prepare()
    write_log(run, "model", f"{stamp(9)} started model ", f"{stamp(2)} finished model ")
    write_log(run, "genome", f"{stamp(9)} started genome ", "genometracks genome: g.fa: no FASTA")
    status = read_status(run.folder, now=NOW)
    assert {job.name: job.state for job in status.stages} == {"model": "done", "genome": "failed"}
    text = describe_status(status)
    assert text.splitlines() == [
        f"{run.folder}: failed: genome: genometracks genome: g.fa: no FASTA",
        f"  genome failed: genometracks genome: g.fa: no FASTA ({run.folder}/logs/genome.log)",
    ]


def test_jobs_of_one_stage_have_numbers(started):
    write_log(started, "bigwig_0", f"{stamp(9)} started bigwig ", f"{stamp(2)} finished bigwig ")
    write_log(started, "bigwig_10", f"{stamp(9)} started bigwig ")
    error = "genometracks bigwig: the disk is full"
    write_log(started, "bigwig_2", f"{stamp(9)} started bigwig ", error)
    write_log(started, "bigwig_x", error)  # not the log of a stage
    status = read_status(started.folder, now=NOW)
    assert [(job.name, job.state, job.seconds) for job in status.stages] == [
        ("bigwig_0", "done", 7.0),
        ("bigwig_2", "failed", None),
        ("bigwig_10", "running", None),
    ]
    assert f"  bigwig_2 failed: {error} (" in describe_status(status)


def test_a_finished_run_and_a_folder_of_runs_are_reported(started, make_run, capsys):
    other = make_run("other")
    other.plan()
    above = started.folder.parent
    (above / "shared" / "work").mkdir(parents=True)
    assert [path.name for path in list_runs(above)] == ["other", "run"]
    for name in ("manifest.json", "summary.txt"):
        (other.folder / name).touch()
    bins = read_status(other.folder).plan.bins
    lines = describe_runs([other.folder, started.folder, above / "none"]).splitlines()
    assert lines[0] == f"other  done: {bins:,} bins of 3 tracks"
    assert lines[1].startswith(
        "run    2 of 5 shards; failed: shard 2 (and 1 more): no output since"
    )
    assert lines[2] == "none   not started"
    assert main(["status", str(above)]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == lines[:2]


def test_a_folder_that_is_not_a_run_is_a_one_line_error(started, capsys):
    nearby = started.folder.parent / "nothing"
    with pytest.raises(
        UserError, match="nothing: no run in this folder; there are .*run: give results"
    ):
        read_status(nearby)
    assert main(["status", str(nearby)]) == 1
    err = capsys.readouterr().err.strip().splitlines()[-1]
    assert err.startswith(f"genometracks status: {nearby}: no run in this folder")


def test_the_numbers_are_written_as_json(started, tmp_path):
    assert main(["status", str(started.folder), "--json", str(tmp_path / "s.json")]) == 0
    found = json.loads((tmp_path / "s.json").read_text())
    assert found["shards"]["done"] == ["0", "1"] and found["shards"]["waiting"] == ["4"]
    assert found["windows"]["all"] == Plan.load(started.work / "plan.json").windows
    assert not found["finished"]


def test_the_values_of_shards_are_not_read(started, monkeypatch):
    """Only sizes and headers of shards are read: a shard may be gigabytes."""
    data = started.shards() / "0.npy"
    size = data.stat().st_size
    with open(data, "r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(np.float32(7).tobytes())  # only merging verifies values
    assert data.stat().st_size == size
    assert read_status(started.folder, now=NOW).shards[0].state == "done"


@pytest.mark.parametrize(
    "changes",
    [
        {"age": 61},  # of an earlier attempt
        {"total": 9},  # of another plan
        {"total": 7, "done": 7},
        {"done": 9},
        {"rate": "fast"},
        {"updated": None},
    ],
)
def test_progress_that_does_not_fit_is_ignored(started, changes):
    write_progress(started, "2", **changes)
    status = read_status(started.folder, now=NOW)
    job = status.shards[2]
    assert (job.state, job.done, job.rate, job.progress) == ("running", 0, 0.0, None)
    assert status.rate == status.mean_rate == 2.0
    assert "running  shard 2: loading\n" in describe_status(status)


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\x00", b"[1, 2]", b"[" * 100_000])
def test_a_damaged_progress_file_does_no_harm(started, damage):
    (started.work / "progress" / "2.json").write_bytes(damage)
    assert read_status(started.folder, now=NOW).shards[2].state == "running"
    shutil.rmtree(started.work / "progress")
    (started.work / "progress").write_bytes(damage)
    assert read_status(started.folder, now=NOW).shards[2].state == "running"


def test_progress_counts_only_while_a_job_runs(started):
    for shard in "01345":
        write_progress(started, shard)
    status = read_status(started.folder, now=NOW)
    assert [job.done for job in status.shards] == [8, 8, 4, 0, 0]
    assert [job.rate for job in status.shards] == [0, 0, 0.5, 0, 0]


def test_a_host_sends_no_control_characters_to_the_terminal(started):
    write_progress(started, "2", host="n\x1b[2J" + "x" * 500)
    (line,) = [
        line
        for line in describe_status(read_status(started.folder, now=NOW)).splitlines()
        if "shard 2: 4 of 8" in line
    ]
    assert "on n?[2Jxxx" in line and line.endswith("...")


def test_a_run_of_an_earlier_version_has_no_progress_files(started):
    """Its logs have progress lines instead."""
    shutil.rmtree(started.work / "progress")
    progress = "shard 2 on cpu: 4/8 windows, 0.5 windows/s, 24 bp/s, 0:00:08 left"
    write_log(started, "predict/2", f"{stamp(60)} started predict ", progress)
    status = read_status(started.folder, now=NOW)
    assert [job.state for job in status.shards] == ["done", "done", "running", "failed", "waiting"]
    assert f"running  shard 2: {progress}\n" in describe_status(status)


def test_a_job_with_an_empty_log_has_no_output_yet(started):
    shutil.rmtree(started.work / "progress")
    write_log(started, "predict/2", f"{stamp(5)} started predict ")
    assert "running  shard 2: no log output yet\n" in describe_status(
        read_status(started.folder, now=NOW)
    )
    write_log(started, "predict/2", f"{stamp(5000)} started predict ", age=601)
    job = read_status(started.folder, now=NOW).shards[2]
    assert job.last.endswith("probably killed; its log is empty")


def test_progress_of_another_shard_is_ignored(started):
    write_progress(started, "3")
    (started.work / "progress" / "3.json").rename(started.work / "progress" / "2.json")
    assert read_status(started.folder, now=NOW).shards[2].progress is None


def test_a_damaged_time_is_ignored(started):
    write_log(started, "predict/2", "2026-99-02T03:00:00+00:00 finished predict", "going on")
    assert read_status(started.folder, now=NOW).shards[2].state == "running"


def test_a_run_whose_later_attempt_failed_is_not_finished(make_run):
    run = make_run("later")
    run.plan()
    for name in ("manifest.json", "summary.txt"):
        (run.folder / name).touch()
    began = f"{stamp(9)} started genome "
    write_log(run, "genome", began, f"{stamp(2)} finished genome ")
    assert read_status(run.folder).finished
    write_log(run, "genome", began, "genometracks genome: g.fa: no such file")
    assert not read_status(run.folder).finished
    line = "later  0 of 2 shards; failed: genome: genometracks genome: g.fa: no such file"
    assert describe_runs([run.folder]) == line


def test_a_finished_run_may_have_lost_its_plan(started):
    for name in ("manifest.json", "summary.txt"):
        (started.folder / name).touch()
    (started.work / "plan.json").unlink()
    assert describe_status(read_status(started.folder)).splitlines() == [f"{started.folder}: done"]


BEAT = {"beat": 5.0, "system": "another machine", "begun": 7}
"""Fields of the progress file of a job that writes it every few seconds."""


def write_beat(run, shard: str, *, age: float, **changes) -> None:
    """Write a progress file that was last changed `age` seconds before NOW, by the file's time."""
    write_progress(run, shard, **{**BEAT, **changes})
    os.utime(run.work / "progress" / f"{shard}.json", (NOW - age, NOW - age))


def test_a_killed_job_is_interrupted_after_a_minute(started):
    write_log(started, "predict/2", f"{stamp(300)} started predict ", "loading", age=299)
    # The clock of the job's machine is an hour ahead, or behind: the file's time counts.
    for ahead in (-0.1, 3600.0):
        write_beat(started, "2", age=59, updated=NOW + ahead)
        job = read_status(started.folder, now=NOW).shards[2]
        assert (job.state, job.done, job.rate) == ("running", 4, 0.5)
        write_beat(started, "2", age=61, updated=NOW + ahead)
        job = read_status(started.folder, now=NOW).shards[2]
        assert (job.state, job.done, job.rate, job.progress) == ("interrupted", 0, 0.0, None)
    assert job.last.startswith("not seen on node7 since 2026-")
    assert job.last.endswith(", probably killed; last log line: loading")


def test_a_job_that_computes_in_silence_is_running(started):
    write_log(started, "predict/2", f"{stamp(5000)} started predict ", "loading", age=4999)
    write_beat(started, "2", age=3, done=0, rate=0.0)
    assert read_status(started.folder, now=NOW).shards[2].state == "running"


def test_a_job_whose_process_is_gone_is_interrupted_at_once(started):
    process = subprocess.Popen(["true"])
    process.wait()
    mine = Process.of_caller()
    write_beat(started, "2", age=1, pid=process.pid, system=mine.system, begun=None)
    assert read_status(started.folder, now=NOW).shards[2].state == "interrupted"
    write_beat(started, "2", age=1, pid=mine.pid, system=mine.system, begun=mine.begun)
    assert read_status(started.folder, now=NOW).shards[2].state == "running"
    write_beat(started, "2", age=1, pid=mine.pid, system=mine.system, begun=mine.begun - 1)
    assert read_status(started.folder, now=NOW).shards[2].state == "interrupted"


@pytest.mark.parametrize(
    "reason", ["interrupted: run again to continue", "ended by SIGTERM: run again to continue"]
)
def test_an_interrupted_run_has_no_rate_and_no_time_left(started, reason):
    shutil.rmtree(started.work / "progress")
    (started.folder / "logs/predict/3.log").unlink()
    line = f"genometracks predict: {reason}"
    write_log(started, "predict/2", f"{stamp(60)} started predict ", "loading", line)
    status = read_status(started.folder, now=NOW)
    states = [job.state for job in status.shards]
    assert states == ["done", "done", "interrupted", "waiting", "waiting"]
    text = describe_status(status)
    assert text.splitlines()[0] == (
        f"{started.folder}: 2 of 5 shards; interrupted: run again to continue"
    )
    assert "shards   2 done, 0 running, 1 interrupted, 0 failed, 2 waiting of 5" in text
    assert f"interrupted  shard 2: {line} ({started.folder}/logs/predict/2.log)" in text
    assert "rate" not in text and "left" not in text
    found = json.loads(as_json(status))
    assert found["shards"]["interrupted"] == ["2"] and found["shards"]["failed"] == []
    assert found["windows_a_second"] == 0
    # Another job runs: the run goes on.
    write_log(started, "predict/3", f"{stamp(60)} started predict ")
    write_beat(started, "3", age=1)
    text = describe_status(read_status(started.folder, now=NOW))
    assert text.splitlines()[0] == f"{started.folder}: 2 of 5 shards"
    assert "rate     0.5 windows/s" in text and " left" in text


def test_an_interrupted_stage_is_reported(make_run):
    run = make_run()
    run.prepare()
    line = "genometracks genome: interrupted: run again to continue"
    write_log(run, "genome", f"{stamp(9)} started genome ", line)
    assert describe_status(read_status(run.folder, now=NOW)).splitlines() == [
        f"{run.folder}: interrupted: run again to continue",
        f"  genome interrupted: {line} ({run.folder}/logs/genome.log)",
    ]


def test_a_lock_that_a_killed_snakemake_left_is_reported(started, monkeypatch, capsys):
    """`tests/workflow/test_interrupted.py` kills a real one."""
    shutil.rmtree(started.folder / "logs" / "predict")
    home = started.folder.parent
    monkeypatch.chdir(home)
    locks = home / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    words = ["status", started.folder.name]
    assert main(words) == 0
    assert "unlock" not in capsys.readouterr().out
    (locks / "0.input.lock").write_text("g.fa\nrunning/work/plan.json\n")  # of another run
    assert main(words) == 0
    assert "unlock" not in capsys.readouterr().out
    (locks / "0.output.lock").write_text(f"other/x\n./{started.folder.name}/work/plan.json\n")
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Snakemake was killed and left its lock: if no other Snakemake runs here, "
        "run `snakemake --unlock` with the same options first"
    )
    code = "import sys, time; print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, "snakemake"], stdout=-1) as process:
        process.stdout.readline()
        assert main(words) == 0
        assert "unlock" not in capsys.readouterr().out  # it may hold the lock
        process.kill()
