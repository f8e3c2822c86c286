"""Progress lines in a log and on a terminal, and the progress file of a job."""

import io
import json
import os
import socket
import subprocess
import time
from dataclasses import replace

import pytest

from genometracks.common import progress
from genometracks.common.progress import (
    BEAT_SECONDS,
    FILE_SECONDS,
    SILENT_BEATS,
    Progress,
    ProgressFile,
    read_clock,
    read_progress,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets: `clock[0] = seconds`."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_plain_line_per_minute_and_one_at_the_end(clock, capsys):
    report = Progress("shard 0 on cpu", bases=1000)
    for second, done in [(1, 10), (59, 590), (60, 600), (90, 900), (100, 1000)]:
        clock[0] = 1000 + second
        report(done, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "shard 0 on cpu: 600/1,000 windows, 10.0 windows/s, 10.0 kbp/s, 0:00:40 left",
        "shard 0 on cpu: 1,000/1,000 windows, 10.0 windows/s, 10.0 kbp/s, 0:00:00 left",
    ]


def test_a_terminal_gets_a_bar_that_rewrites_itself(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    report = Progress("shard 0 on cuda", bases=200_000)
    for second, done in [(0.1, 1), (1, 10), (3724, 20)]:
        clock[0] = 1000 + second
        report(done, 40)
    clock[0] = 1000 + 4000
    report(40, 40)
    first, second, last = terminal.getvalue().split("\r")[1:]
    assert first.startswith("[#######.......................] shard 0 on cuda: 10/40 windows, 10.0")
    assert "2.0 Mbp/s, 0:00:03 left" in first and not first.endswith("\n")
    assert second.startswith("[###############...............]") and "1:02:04 left" in second
    assert last.startswith("[##############################]") and last.endswith("\n")


def test_a_progress_file_is_replaced_every_few_seconds_and_removed_at_the_end(clock, tmp_path):
    path = tmp_path / "progress" / "7.json"
    with ProgressFile(path, "7", 1000) as report:
        found = read_progress(path)
        assert (found.done, found.total, found.rate) == (0, 1000, 0.0)
        clock[0] += FILE_SECONDS - 0.1
        report(10, 1000)
        assert read_progress(path).done == 0
        clock[0] += 0.1
        report(20, 1000)
        found = json.loads(path.read_text())
        updated = found.pop("updated")
        assert abs(updated - path.stat().st_mtime) < 5
        assert found.pop("system") and found.pop("begun") > 0
        host, pid = socket.gethostname(), os.getpid()
        numbers = {"shard": "7", "done": 20, "total": 1000, "rate": 4.0, "beat": BEAT_SECONDS}
        assert found == {**numbers, "host": host, "pid": pid}
        clock[0] += FILE_SECONDS / 2
        report(30, 1000)
        assert read_progress(path).done == 20
        clock[0] += FILE_SECONDS / 2
        report(40, 1000)
        assert read_progress(path).done == 40
        assert [file.name for file in path.parent.iterdir()] == ["7.json"]
    clock[0] += FILE_SECONDS
    report(50, 1000)
    assert not list(path.parent.iterdir())


def test_a_job_that_fails_or_follows_a_killed_one_removes_leftovers(tmp_path):
    path = tmp_path / "7.json"
    for name in ("7.json", ".7.json.part", "8.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(KeyError), ProgressFile(path, "7", 10):
        raise KeyError
    assert [file.name for file in tmp_path.iterdir()] == ["8.json"]


@pytest.mark.parametrize("obstacle", ["a file", "a full disk"])
def test_a_job_that_cannot_write_its_progress_continues(clock, tmp_path, monkeypatch, obstacle):
    folder = tmp_path / "progress"
    if obstacle == "a file":
        folder.write_text("")
    else:
        folder.mkdir()
        (folder / ".7.json.part").symlink_to("/dev/full")
    with ProgressFile(folder / "7.json", "7", 10) as report:
        for done in range(3):
            clock[0] += FILE_SECONDS
            report(done, 10)
    assert not folder.is_dir() or not list(folder.iterdir())


def test_a_progress_file_is_written_while_no_window_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BEAT_SECONDS", 0.05)
    path = tmp_path / "7.json"
    with ProgressFile(path, "7", 1000):
        first = read_progress(path)
        assert first.done == 0 and first.is_alive(0.0)
        end = time.monotonic() + 30
        while read_progress(path).updated == first.updated:
            assert time.monotonic() < end
            time.sleep(0.01)
    time.sleep(0.2)
    assert not list(tmp_path.iterdir())


def test_a_job_lives_while_its_file_is_young_and_its_process_lives(tmp_path):
    path = tmp_path / "7.json"
    with ProgressFile(path, "7", 1000):
        mine = read_progress(path)
    minute = SILENT_BEATS * BEAT_SECONDS
    assert minute == 60
    assert mine.is_alive(minute) and not mine.is_alive(minute + 1)
    assert mine.is_alive(-9.0)  # written just now, or by a clock that is ahead
    child = subprocess.Popen(["sleep", "60"])
    other = replace(mine, pid=child.pid, begun=None)
    assert other.is_alive(0.0)
    assert not replace(other, begun=1).is_alive(0.0)  # another process that got its pid
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not other.is_alive(0.0)  # dead, though its parent has not noticed yet
    child.wait()
    assert not other.is_alive(0.0)
    assert replace(other, system="another machine").is_alive(0.0)
    assert not replace(other, pid=10**30).is_alive(0.0)


def test_the_clock_of_a_folder_is_that_of_its_files(tmp_path):
    assert abs(read_clock(tmp_path) - time.time()) < 60 and not list(tmp_path.iterdir())
    assert abs(read_clock(tmp_path / "none") - time.time()) < 60


GOOD = {"shard": "7", "done": 1, "total": 2, "rate": 0.5, "host": "n", "pid": 3, "updated": 9.0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        json.dumps({**GOOD, "done": 3}),
        json.dumps({**GOOD, "done": -1}),
        json.dumps({**GOOD, "done": "1"}),
        json.dumps({**GOOD, "rate": -0.5}),
        json.dumps({**GOOD, "rate": float("nan")}),
        json.dumps({**GOOD, "updated": float("inf")}),
        json.dumps({key: value for key, value in GOOD.items() if key != "host"}),
        "[" * 100_000,
    ],
)
def test_a_damaged_progress_file_is_none(tmp_path, text):
    path = tmp_path / "7.json"
    assert read_progress(path) is None
    path.write_text(text)
    assert read_progress(path) is None
    path.write_bytes(b"\xff\x00")
    assert read_progress(path) is None
    path.write_text(json.dumps(GOOD))
    assert read_progress(path).rate == 0.5
