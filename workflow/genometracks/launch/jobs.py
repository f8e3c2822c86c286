"""The jobs of a running Snakemake: which run, which ended, which failed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from genometracks.launch.events import Event
from genometracks.status.read import STAGE_LOG

LATE = 1.0
"""Seconds by which a file system may date a change too early."""


@dataclass(frozen=True)
class Task:
    """A job, as users know it.

    Attributes
    ----------
    run : str or None
        None if several runs share its result.
    stage : str
    part : str
        Id of the shard, or number of the job if the stage has several; "" if there is one.
    log : Path or None
    attempt : int
        Default is 1.
    before : int or None
        When the log was last changed, in ns since the epoch, as the start of the job was read.
        Default is None: there was none.
    started : float
        When the job was started, in seconds since the epoch. Default is 0.
    """

    run: str | None
    stage: str
    part: str
    log: Path | None
    attempt: int = 1
    before: int | None = None
    started: float = 0.0

    @property
    def name(self) -> str:
        """The stage and its part."""
        what = "shard " if self.stage == "predict" else ""
        return f"{self.stage} {what}{self.part}" if self.part else self.stage

    @property
    def has_log(self) -> bool:
        """Whether the job has written its log: a job that never began leaves that of another.

        A quick job has written it before its start was read, and clocks of a cluster may differ.
        """
        changed = _read_time(self.log) if self.log else None
        if changed is None:
            return False
        return changed != self.before or 0 < self.started < changed / 1e9 + LATE


class Jobs:
    """The jobs that Snakemake has reported.

    Parameters
    ----------
    folders : mapping of str to Path
        Name of a run -> its folder.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._names = {folder: name for name, folder in folders.items()}
        self._tasks: dict[int, Task] = {}
        self.running: dict[int, Task] = {}
        self.failed: dict[int, Task] = {}
        self.finished = 0

    def update(self, event: Event) -> Task | None:
        """Take note of an event; return the task that it is about."""
        number = event.job
        if event.kind == "started":
            former = self.failed.pop(number, None)  # it is tried again
            found = self._find_task(event)
            before = _read_time(found.log) if found.log else None
            attempt = former.attempt + 1 if former else 1
            begun = replace(found, attempt=attempt, before=before, started=event.time)
            self._tasks[number] = self.running[number] = begun
        task = self._tasks.get(number)
        if task and event.kind in ("finished", "failed"):
            self.running.pop(number, None)
            self.finished += event.kind == "finished" and task.log is not None
        if task and event.kind == "failed":
            self.failed[number] = task
        return task

    def list_running(self, run: str) -> list[Task]:
        """Running tasks of a run."""
        return [task for task in self.running.values() if task.run == run]

    def _find_task(self, event: Event) -> Task:
        if not event.logs:
            return Task(None, event.rule, "", None)
        log = Path(event.logs[0])
        names = (self._names[folder] for folder in log.parents if folder in self._names)
        return name_task(next(names, None), log)


def name_task(run: str | None, log: Path) -> Task:
    """The task that writes a log; see `config.folders`."""
    if log.parent.name == "predict":
        return Task(run, "predict", log.stem, log)
    match = STAGE_LOG.fullmatch(log.name)
    return Task(run, match[1], match[2] or "", log) if match else Task(run, log.stem, "", log)


def _read_time(log: Path) -> int | None:
    """When a log was last changed; None if there is none."""
    try:
        with open(
            log, "rb"
        ) as file:  # a network file system may know the time of a closed one late
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return None
