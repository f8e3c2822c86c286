"""Progress lines in a log and on a terminal, and the progress file of a job."""

import io
import json
import os
import socket

import pytest

from genometracks.common import progress
from genometracks.common.progress import FILE_SECONDS, Progress, ProgressFile, read_progress


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
    with ProgressFile(path, "7") as report:
        clock[0] += FILE_SECONDS - 0.1
        report(10, 1000)
        assert not path.parent.exists()
        clock[0] += 0.1
        report(20, 1000)
        found = json.loads(path.read_text())
        updated = found.pop("updated")
        assert abs(updated - path.stat().st_mtime) < 5
        host, pid = socket.gethostname(), os.getpid()
        numbers = {"shard": "7", "done": 20, "total": 1000, "rate": 4.0}
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
    with pytest.raises(KeyError), ProgressFile(path, "7"):
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
    with ProgressFile(folder / "7.json", "7") as report:
        for done in range(3):
            clock[0] += FILE_SECONDS
            report(done, 10)
    assert not folder.is_dir() or not list(folder.iterdir())


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
