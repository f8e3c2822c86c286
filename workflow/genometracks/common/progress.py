"""Progress of a long job: on stderr for users, and in a file for `status`."""

import math
import os
import socket
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType

from genometracks.common.identity import Process
from genometracks.common.records import format_record, load_record, optional
from genometracks.common.units import format_duration, format_si
from genometracks.errors import UserError

WIDTH = 30
BAR_SECONDS, LINE_SECONDS = 0.2, 60.0
"""Seconds between two updates of a bar on a terminal, and between two lines in a log file."""
FILE_SECONDS = 5.0
"""Minimum seconds between two writes of a progress file after windows are done."""
BEAT_SECONDS = 5.0
"""Seconds between two writes of a progress file in any case."""
SILENT_BEATS = 12
"""Missed writes after which a job is considered lost: a minute."""


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
    beat : float or None
        Seconds between writes of the file. Default is None: it is written only when windows are
        done (earlier versions).
    system : str or None
        The running system in which `pid` is valid. Default is None: not known.
    begun : int or None
        When the process began, in this system's ticks. Default is None: not known.
    """

    shard: str
    done: int
    total: int
    rate: float
    host: str
    pid: int
    updated: float
    beat: float | None = optional()
    system: str | None = optional()
    begun: int | None = optional()

    @property
    def plausible(self) -> bool:
        """Whether the values can be those of a running job."""
        numbers = (self.rate, self.updated, self.beat or 0.0)
        finite = all(math.isfinite(number) and 0 <= number < 1e11 for number in numbers)
        return finite and 0 <= self.done <= self.total

    def is_alive(self, age: float) -> bool:
        """Whether the job still runs, given the age of its file in seconds.

        On the system of the job, its process must live, too.
        """
        process = Process(self.system, self.pid, self.begun)
        return age <= SILENT_BEATS * (self.beat or BEAT_SECONDS) and process.lives is not False


class ProgressFile:
    """Context manager: a job's progress, in a file that exists while the job runs.

    The file is replaced atomically every few seconds, and not flushed to disk: only the display
    depends on it. If it cannot be written, the job continues without it.

    Parameters
    ----------
    path : Path
    shard : str
        Id of the shard.
    total : int
        Windows of the shard.
    """

    def __init__(self, path: Path, shard: str, total: int) -> None:
        self._path, self._shard, self._total = path, shard, total
        # One name for all attempts: the file of a killed attempt is overwritten by the next.
        self._part = path.with_name(f".{path.name}.part")
        self._start = self._last = time.monotonic()
        self._done, self._process = 0, Process.of_caller()
        self._writing, self._ended = Lock(), Event()
        self._thread = Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "ProgressFile":
        try:
            self._write()
            self._thread.start()
        except BaseException:  # a signal
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        self._ended.set()
        with self._writing:  # a thread that is still computing must not write the file again
            for path in (self._path, self._part):
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def __call__(self, done: int, total: int) -> None:
        """Write the number of windows that are done, unless the last write is too recent."""
        self._done, self._total = done, total
        if time.monotonic() - self._last >= FILE_SECONDS:
            self._write()

    def _beat(self) -> None:
        """Show that the job runs, also while the model is loaded or a batch takes minutes."""
        while not self._ended.wait(BEAT_SECONDS):
            self._write()

    def _write(self) -> None:
        now = time.monotonic()
        record = JobProgress(
            shard=self._shard,
            done=self._done,
            total=self._total,
            rate=self._done / max(now - self._start, 1e-9),
            host=socket.gethostname(),
            pid=self._process.pid,
            updated=time.time(),
            beat=BEAT_SECONDS,
            system=self._process.system,
            begun=self._process.begun,
        )
        with self._writing:
            if self._ended.is_set():
                return
            self._last = now
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


def read_clock(folder: Path) -> float:
    """Seconds since the epoch by the clock of a folder's file system: that of a server, perhaps.

    The own clock, if no file can be made in the folder.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()
