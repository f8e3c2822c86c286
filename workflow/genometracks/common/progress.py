"""Progress of a long job: on stderr for users, and in a file for `status`."""

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
"""Seconds between two updates of a bar on a terminal, and between two lines in a log file."""
FILE_SECONDS = 5.0
"""Minimum seconds between two writes of a progress file."""


class Progress:
    """Rate and time left on stderr: a bar on a terminal, one plain line per minute in a log file.

    Parameters
    ----------
    what : str
        Name of the job, printed first.
    bases : int
        Base pairs that a window adds to the tracks.
    """

    def __init__(self, what: str, *, bases: int) -> None:
        self._what, self._bases, self._stream = what, bases, sys.stderr
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Print the number of windows that are done, unless the last update is too recent."""
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
    """Progress of a running job, as stored in its file.

    Attributes
    ----------
    shard : str
        Id of the shard that the job predicts.
    done, total : int
        Windows that are done, and windows of the shard.
    rate : float
        Windows per second since the job started.
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
        """Whether the values can be those of a running job."""
        finite = math.isfinite(self.rate) and math.isfinite(self.updated)
        return finite and self.rate >= 0 and 0 <= self.done <= self.total


class ProgressFile:
    """Context manager: a job's progress, in a file that exists while the job runs.

    The file is replaced atomically, at most once in `FILE_SECONDS`, and not flushed to disk: only
    the display depends on it. If it cannot be written, the job continues without it.

    Parameters
    ----------
    path : Path
    shard : str
        Id of the shard.
    """

    def __init__(self, path: Path, shard: str) -> None:
        self._path, self._shard = path, shard
        # One name for all attempts: the file of a killed attempt is overwritten by the next.
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
        self._last = math.inf  # a thread that is still computing must not write the file again
        for path in (self._path, self._part):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def __call__(self, done: int, total: int) -> None:
        """Write the number of windows that are done, unless the last write is too recent."""
        now = time.monotonic()
        if now - self._last < FILE_SECONDS:
            return
        self._last = now
        rate = done / (now - self._start)
        host, pid = socket.gethostname(), os.getpid()
        record = JobProgress(self._shard, done, total, rate, host, pid, time.time())
        with suppress(OSError):  # a full or read-only disk: writing the shard reports it
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._part.write_text(format_record(record) + "\n")
            os.replace(self._part, self._path)


def read_progress(path: Path) -> JobProgress | None:
    """Read a progress file; None if it is missing or damaged."""
    try:
        found = load_record(JobProgress, path, what="progress")
    except UserError:
        return None
    return found if found.plausible else None
