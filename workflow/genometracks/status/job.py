"""State of one job, from its log and its progress file.

Lines of a log are made printable, so that no control character in them reaches a terminal.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from genometracks.common.logs import error_prefix, find_events, is_event
from genometracks.common.progress import JobProgress
from genometracks.common.records import optional
from genometracks.common.stops import is_stop

State = Literal["done", "running", "interrupted", "failed", "waiting"]
STATES: tuple[State, ...] = get_args(State)
"""In the order in which they are reported."""

SILENCE = 600
"""Seconds without any output after which a job is considered lost, if it has no progress file that
it writes every few seconds."""
TAIL = 1 << 14
"""Bytes that are read from each end of a log."""
WIDTH = 160
"""Longest line of a log that is shown, in characters."""


@dataclass(frozen=True)
class Job:
    """The job of a shard or of a stage.

    Attributes
    ----------
    name : str
        The shard's id, or the name of the stage's log without its suffix.
    state : str
    last : str
        Last line of the log, or why the job is considered lost. Default is "".
    log : str
        Path of the log. Default is "": there is none.
    done : int
        Windows that are predicted. Default is 0.
    rate : float
        Windows per second of a running job. Default is 0.0: not known yet.
    seconds : float or None
        Duration of a job that has ended. Default is None.
    progress : JobProgress or None
        Progress of a running job. Default is None: not written yet.
    """

    name: str
    state: State
    last: str = ""
    log: str = ""
    done: int = 0
    rate: float = 0.0
    seconds: float | None = None
    progress: JobProgress | None = optional()


def read_job(
    log: Path,
    name: str,
    *,
    command: str,
    now: float,
    progress: JobProgress | None = None,
    age: float = 0.0,
    parts: Sequence[Path] = (),
) -> Job:
    """Determine the state of a job that has a log.

    Parameters
    ----------
    log : Path
    name : str
    command : str
        The stage that the job runs.
    now : float
        Seconds since the epoch.
    progress : JobProgress, optional
        From the job's progress file; ignored if it is older than the job. Default is None.
    age : float
        Seconds since the progress file was written, by the clock of its file system. Default is 0.
    parts : sequence of Path
        Files that the job is writing: a job that writes is not lost, even without log output.
        Default is ().
    """
    text, touched = _read_ends(log)
    lines = [line for line in map(clean_line, text.splitlines()) if line]
    last = next((line for line in reversed(lines) if not is_event(line)), "")
    events = find_events(text)
    started, finished = events.get("started"), events.get("finished")
    if finished:
        seconds = max(0.0, (finished - started).total_seconds()) if started else None
        return Job(name, "done", last, str(log), seconds=seconds)
    prefix = error_prefix(command)
    errors = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
    if errors:
        return Job(name, "interrupted" if is_stop(errors[-1]) else "failed", last, str(log))
    if progress and started and progress.updated < started.timestamp():
        progress = None  # of an attempt that was killed
    if progress and progress.beat:
        if not progress.is_alive(age):
            reason = clean_line(_describe_loss(progress, last))
            return Job(name, "interrupted", reason, str(log))
        touched = now
    alive = max([touched, *map(_read_mtime, parts), progress.updated if progress else 0.0])
    if now - alive > SILENCE:
        return Job(name, "failed", _describe_silence(alive, last), str(log))
    if progress is None:
        return Job(name, "running", last, str(log))
    done, rate = progress.done, progress.rate
    return Job(name, "running", last, str(log), done=done, rate=rate, progress=progress)


def _describe_loss(progress: JobProgress, last: str) -> str:
    when = datetime.fromtimestamp(progress.updated).isoformat(" ", "seconds")
    return f"not seen on {progress.host} since {when}, probably killed{_quote(last)}"


def _describe_silence(since: float, last: str) -> str:
    when = datetime.fromtimestamp(since).isoformat(" ", "minutes")
    return f"no output since {when}, probably killed{_quote(last)}"


def _quote(last: str) -> str:
    return f"; last log line: {last}" if last else "; its log is empty"


def _read_ends(path: Path) -> tuple[str, float]:
    """The beginning and the end of a log, and its modification time; empty if unreadable."""
    try:
        with open(path, "rb") as file:
            touched = os.fstat(file.fileno()).st_mtime
            head = file.read(TAIL)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(len(head), size - TAIL))
            return (head + file.read()).decode("utf-8", "replace"), touched
    except OSError:
        return "", 0.0


def clean_line(line: str) -> str:
    """A line as printable text of at most `WIDTH` characters."""
    line = "".join(char if char.isprintable() else "?" for char in line.rstrip())
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."


def _read_mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
