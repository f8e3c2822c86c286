"""Progress of a long job: on stderr for people, and in a file of its own for `status`."""

import math
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from genometracks.common.records import format_record, load_record
from genometracks.common.units import format_duration, format_si
from genometracks.errors import UserError

WIDTH = 30
BAR_SECONDS, LINE_SECONDS = 0.2, 60.0
"""Between two states of a bar on a terminal, and between two lines in a file."""
FILE_SECONDS = 5.0
"""Least time between two writes of a progress file."""


class Progress:
    """Rate and time left: a bar on a terminal, a plain line a minute in a file.

    Parameters
    ----------
    what : str
        The job.
    bases : int
        Base pairs that a window adds to the tracks.
    """

    def __init__(self, what: str, *, bases: int) -> None:
        self._what, self._bases, self._stream = what, bases, sys.stderr
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Print the number of windows that are done, if the last time is long enough ago."""
        now = time.monotonic()
        terminal = self._stream.isatty()
        if done < total and now - self._last < (BAR_SECONDS if terminal else LINE_SECONDS):
            return
        self._last = now
        rate = done / max(now - self._start, 1e-9)
        line = (
            f"{self._what}: {done:,}/{total:,} windows, {rate:,.1f} windows/s, "
            f"{format_si(rate * self._bases)}bp/s, {format_duration((total - done) / rate)} left"
        )
        if terminal:
            filled = WIDTH * done // total
            line = f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {line}\x1b[K"
        end = "" if terminal and done < total else "\n"
        print(line, end=end, file=self._stream, flush=True)


@dataclass(frozen=True)
class JobProgress:
    """Progress of a running job, as its file holds it.

    Attributes
    ----------
    shard : str
        What the job predicts.
    done, total : int
        Windows.
    rate : float
        Windows a second since the first one.
    host : str
    pid : int
    updated : float
        Seconds since the epoch.
    """

    shard: str
    done: int
    total: int
    rate: float
    host: str
    pid: int
    updated: float

    @property
    def plausible(self) -> bool:
        """Whether the numbers can be those of a running job."""
        finite = math.isfinite(self.rate) and math.isfinite(self.updated)
        return finite and self.rate >= 0 and 0 <= self.done <= self.total


class ProgressFile:
    """A job's progress in a file that is there while the job runs: a context manager.

    The file is replaced whole, at most once in `FILE_SECONDS`, and not flushed to disk: nothing is
    lost with it. A job that cannot write it goes on without.

    Parameters
    ----------
    path : Path
    shard : str
    """

    def __init__(self, path: Path, shard: str) -> None:
        self._path, self._shard = path, shard
        # One name for all attempts: what a killed one left is overwritten or removed by the next.
        self._part = path.with_name(f".{path.name}.part")
        self._start = self._last = time.monotonic()

    def __enter__(self) -> "ProgressFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._last = math.inf  # a thread that still computes writes no more
        for path in (self._path, self._part):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def __call__(self, done: int, total: int) -> None:
        """Write the number of windows that are done, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self._last < FILE_SECONDS:
            return
        self._last = now
        rate = done / (now - self._start)
        host, pid = socket.gethostname(), os.getpid()
        record = JobProgress(self._shard, done, total, rate, host, pid, time.time())
        with suppress(OSError):  # a full or read-only disk: the shard's own file will say so
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._part.write_text(format_record(record) + "\n")
            os.replace(self._part, self._path)


def read_progress(path: Path) -> JobProgress | None:
    """What a progress file says, or None where it is missing or damaged."""
    try:
        found = load_record(JobProgress, path, what="progress")
    except UserError:
        return None
    return found if found.plausible else None
