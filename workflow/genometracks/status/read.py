"""Progress of a run, from its folder alone: on any node, at any time."""

import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from genometracks.common.progress import JobProgress, read_clock, read_progress
from genometracks.config.folders import SHARED, RunFolder
from genometracks.config.stages import STAGES
from genometracks.errors import UserError
from genometracks.plan.plan import Plan, Shard
from genometracks.shards.sidecar import read_sidecar
from genometracks.status.job import Job, State, read_job

STAGE_LOG = re.compile(r"([a-z]+)(?:_(\d+))?\.log")
"""Name of a stage's log; if a stage has several jobs, they are numbered."""
BYTES = {"float32": 4, "float16": 2}


@dataclass(frozen=True)
class Status:
    """Progress of a run.

    Attributes
    ----------
    folder : Path
    stages : tuple of Job
        Every stage that has a log, except predictions.
    shards : tuple of Job
        Every shard's prediction; empty before the run is planned.
    plan : Plan or None
    finished : bool
        Whether the last stage is done, and none failed or runs again.
    written, expected : int
        Bytes of the shards' data on disk, and when all shards are complete.
    free : int
        Free bytes on the file system.
    """

    folder: Path
    stages: tuple[Job, ...]
    shards: tuple[Job, ...]
    plan: Plan | None
    finished: bool
    written: int
    expected: int
    free: int

    def count(self, state: State) -> int:
        """Number of shards in a state."""
        return sum(job.state == state for job in self.shards)

    @property
    def interrupted(self) -> bool:
        """Whether jobs were interrupted, and none runs."""
        states = {job.state for job in (*self.stages, *self.shards)}
        return "interrupted" in states and "running" not in states

    @property
    def windows(self) -> int:
        """Windows that are predicted."""
        return sum(job.done for job in self.shards)

    @property
    def rate(self) -> float:
        """Windows per second of all running jobs; jobs without progress count with `mean_rate`."""
        running = [job for job in self.shards if job.state == "running"]
        mean = self.mean_rate
        return sum(job.rate or mean for job in running)

    @property
    def mean_rate(self) -> float:
        """Windows per second of one job, averaged over jobs that have ended; 0 if none has."""
        ended = [(job.done, job.seconds) for job in self.shards if job.state == "done"]
        timed = [(windows, seconds) for windows, seconds in ended if seconds]
        total = sum(seconds for _, seconds in timed)
        return sum(windows for windows, _ in timed) / total if total else 0.0


def read_status(folder: Path, *, now: float | None = None) -> Status:
    """Read the progress of a run.

    Parameters
    ----------
    folder : Path
        `{results}/{run}`.
    now : float, optional
        Seconds since the epoch. Default is None: the current time.

    Raises
    ------
    UserError
        If there is no run in the folder, or its plan is damaged.
    """
    run = RunFolder(folder)
    clock = read_clock(run.progress) if now is None else now
    now = time.time() if now is None else now
    if not (run.work.is_dir() or run.logs.is_dir()):
        raise UserError(f"{folder}: no run in this folder{_suggest(folder)}: give results/RUN")
    plan = Plan.load(run.plan) if run.plan.exists() else None
    stages = tuple(_read_stages(run.logs, now=now))
    # A stage may have failed since: then the results are those of an earlier config or input.
    ended = all(stage.state == "done" for stage in stages)
    return Status(
        folder,
        stages=stages,
        shards=tuple(_read_shards(run, plan, now=now, clock=clock)) if plan else (),
        plan=plan,
        finished=ended and run.manifest.exists() and run.summary.exists(),
        written=_sum_sizes(run.shards, ".npy") if plan else 0,
        expected=_count_bytes(plan) if plan else 0,
        free=shutil.disk_usage(folder).free,
    )


def _read_stages(logs: Path, *, now: float) -> Iterator[Job]:
    """Jobs of the stages, in the stages' order."""
    found = []
    for name in _list_names(logs):
        match = STAGE_LOG.fullmatch(name)
        if match and match[1] in STAGES:
            found.append((STAGES.index(match[1]), int(match[2] or 0), logs / name))
    for stage, _, log in sorted(found):
        yield read_job(log, log.stem, command=STAGES[stage], now=now)


def _read_shards(run: RunFolder, plan: Plan, *, now: float, clock: float) -> Iterator[Job]:
    """Yield the job of every shard; the shard's files take precedence over the log.

    `clock` is the time by the clock of the file system.
    """
    written, logged = _list_names(run.shards), _list_names(run.predict_logs)
    running = _list_names(run.progress)
    parts = [name for name in written if name.startswith(".")]
    for shard in plan.shards:
        windows = shard.windows
        job, name = Job(shard.id, "waiting"), f"{shard.id}.json"
        complete = name in written and read_sidecar(run.shards, plan, shard) is not None
        if f"{shard.id}.log" in logged:
            found = _read_progress(run, shard) if name in running and not complete else None
            job = read_job(
                run.predict_logs / f"{shard.id}.log",
                shard.id,
                command="predict",
                now=now,
                progress=found[0] if found else None,
                age=clock - found[1] if found else 0.0,
                parts=[run.shards / part for part in parts if part.startswith(f".{shard.id}.npy.")],
            )
        if complete:
            job = replace(job, state="done", done=windows, rate=0.0)
        elif job.state == "done":  # of an earlier plan
            job = replace(job, state="waiting", done=0, seconds=None)
        yield job


def _read_progress(run: RunFolder, shard: Shard) -> tuple[JobProgress, float] | None:
    """Read the progress of a shard's job, and when it was written by the file system's clock.

    None if there is none, or it is of another plan.
    """
    path = run.progress / f"{shard.id}.json"
    found = read_progress(path)
    if found is None or found.shard != shard.id or found.total != shard.windows:
        return None
    try:
        return found, path.stat().st_mtime
    except OSError:  # removed just now
        return None


def _count_bytes(plan: Plan) -> int:
    """Bytes of all predicted values."""
    return plan.bins * len(plan.tracks) * BYTES[plan.settings.dtype]


def _list_names(folder: Path) -> Collection[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


def _sum_sizes(folder: Path, suffix: str) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(
                entry.stat().st_size
                for entry in entries
                if entry.name.endswith(suffix) and not entry.name.startswith(".")
            )
    except OSError:
        return 0


def list_runs(folder: Path) -> list[Path]:
    """List the runs in a folder of runs, sorted by name."""
    found = sorted(path.parent for path in folder.glob("*/work") if path.is_dir())
    return [path for path in found if path.name != SHARED]


def _suggest(folder: Path) -> str:
    for place in (folder, folder.parent):
        names = [str(path) for path in list_runs(place)[:5]]
        if names:
            return f"; there are {', '.join(names)}"
    return ""
