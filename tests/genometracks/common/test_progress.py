"""Progress lines in a file and on a terminal."""

import io

import pytest

from genometracks.common import progress
from genometracks.common.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets: `clock[0] = seconds`."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_file_gets_a_plain_line_a_minute_and_one_at_the_end(clock, capsys):
    tell = Progress("shard 0 on cpu", bases=1000)
    for second, done in [(1, 10), (59, 590), (60, 600), (90, 900), (100, 1000)]:
        clock[0] = 1000 + second
        tell(done, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "shard 0 on cpu: 600/1,000 windows, 10.0 windows/s, 10.0 kbp/s, 0:00:40 left",
        "shard 0 on cpu: 1,000/1,000 windows, 10.0 windows/s, 10.0 kbp/s, 0:00:00 left",
    ]


def test_a_terminal_gets_a_bar_that_rewrites_itself(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    tell = Progress("shard 0 on cuda", bases=200_000)
    for second, done in [(0.1, 1), (1, 10), (3724, 20)]:
        clock[0] = 1000 + second
        tell(done, 40)
    clock[0] = 1000 + 4000
    tell(40, 40)
    first, second, last = terminal.getvalue().split("\r")[1:]
    assert first.startswith("[#######.......................] shard 0 on cuda: 10/40 windows, 10.0")
    assert "2.0 Mbp/s, 0:00:03 left" in first and not first.endswith("\n")
    assert second.startswith("[###############...............]") and "1:02:04 left" in second
    assert last.startswith("[##############################]") and last.endswith("\n")
