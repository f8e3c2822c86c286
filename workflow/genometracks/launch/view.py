"""The progress of a run in numbers, from its folder and from the jobs that run."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from genometracks.common.units import format_duration, format_si
from genometracks.config.stages import STAGES
from genometracks.errors import UserError
from genometracks.launch.jobs import Jobs, Task
from genometracks.status.read import Status, read_status

PAUSE = 20
"""Times as long as the progress took to read, it is not read again."""


@dataclass(frozen=True)
class Predicted:
    """Progress of a run's predictions.

    Attributes
    ----------
    shards, all_shards : int
        Shards that are done, and all.
    windows, all_windows : int
    rate : float
        Windows per second of all running jobs. 0.0: not known yet.
    bases : int
        Base pairs that a window adds to the tracks.
    """

    shards: int
    all_shards: int
    windows: int
    all_windows: int
    rate: float
    bases: int

    @property
    def seconds_left(self) -> float | None:
        """None if the rate is not known."""
        return (self.all_windows - self.windows) / self.rate if self.rate else None

    @property
    def text(self) -> str:
        """The numbers in one line."""
        part = self.windows / max(self.all_windows, 1)
        parts = [
            f"{self.shards:,} of {self.all_shards:,} shards",
            f"{self.windows:,} of {self.all_windows:,} windows ({part:.0%})",
        ]
        return ", ".join(parts + self.rates)

    @property
    def rates(self) -> list[str]:
        """Rates and the time left; empty if they are not known."""
        if not self.rate or self.seconds_left is None:
            return []
        return [
            f"{self.rate:,.1f} windows/s",
            f"{format_si(self.rate * self.bases)}bp/s",
            f"{format_duration(self.seconds_left)} left",
        ]


@dataclass(frozen=True)
class View:
    """What is shown of a run.

    Attributes
    ----------
    run : str
    tasks : tuple of Task
        Running tasks, in the order of the stages.
    predicted : Predicted or None
        None before its first prediction job, and after its last.
    started : bool
        Whether a job of the run has started.
    """

    run: str
    tasks: tuple[Task, ...]
    predicted: Predicted | None
    started: bool

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages that run, each once."""
        return tuple(dict.fromkeys(task.stage for task in self.tasks))


class Views:
    """The views of all runs, read again at most as often as reading them is cheap.

    Parameters
    ----------
    folders : mapping of str to Path
        Name of a run -> its folder.
    jobs : Jobs
    """

    def __init__(self, folders: Mapping[str, Path], jobs: Jobs) -> None:
        self._folders, self._jobs = folders, jobs
        self._predicted: dict[str, Predicted | None] = {}
        self._seen: set[str] = set()
        self._due = 0.0

    def read(self) -> list[View]:
        """The views of all runs, in their order."""
        running = {run: _order(self._jobs.list_running(run)) for run in self._folders}
        self._seen |= {run for run, tasks in running.items() if tasks}
        predicting = [run for run in running if any(t.stage == "predict" for t in running[run])]
        if time.monotonic() >= self._due:
            start = time.monotonic()
            for run in predicting:
                self._predicted[run] = _read_predicted(self._folders[run])
            self._due = time.monotonic() + PAUSE * (time.monotonic() - start)
        return [
            View(
                run,
                tuple(tasks),
                self._predicted.get(run) if run in predicting else None,
                run in self._seen,
            )
            for run, tasks in running.items()
        ]

    def list_shared(self) -> Iterator[Task]:
        """Yield the running tasks that several runs share."""
        for task in self._jobs.running.values():
            if task.run is None and task.log:
                yield task


def _order(tasks: list[Task]) -> list[Task]:
    places = {stage: place for place, stage in enumerate(STAGES)}
    return sorted(tasks, key=lambda task: (places.get(task.stage, len(places)), task.part))


def _read_predicted(folder: Path) -> Predicted | None:
    """Progress of the predictions; None if the folder cannot be read now."""
    try:
        status = read_status(folder)
    except (UserError, OSError):
        return None
    return _count(status)


def _count(status: Status) -> Predicted | None:
    plan = status.plan
    if plan is None:
        return None
    return Predicted(
        shards=status.count("done"),
        all_shards=len(status.shards),
        windows=status.windows,
        all_windows=plan.windows,
        rate=status.rate,
        bases=plan.geometry.owned * plan.geometry.bin,
    )
