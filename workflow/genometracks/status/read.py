"""How a run gets on, from its folder alone: on any node, at any time.

What a log tells is shown as a line of plain text: it is no one's business what its bytes would do
to a terminal.
"""

import json
import os
import re
import shutil
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from genometracks.errors import UserError
from genometracks.plan.plan import Plan, Shard
from genometracks.shards.sidecar import read_sidecar

SILENCE = 600
"""Seconds without a sign of life after which a job is taken for lost."""
STAGES = "weights download model genome probe plan shards observed predict merge tracks bigwig"
STAGES += " parquet evaluate manifest summary"
PROGRESS = re.compile(r"([\d,]+)/([\d,]+) windows, ([\d,.]+) windows/s")
TIMES = re.compile(r"^(\d{4}-\d\d-\d\dT\S+) (started|finished) ", re.MULTILINE)
TAIL = 1 << 14
WIDTH = 160


@dataclass
class Job:
    """A shard's or a stage's job: `state` is waiting, running, failed or done."""

    name: str
    state: str
    last: str = ""
    log: str = ""
    done: int = 0
    rate: float = 0.0
    seconds: float | None = None


@dataclass
class Status:
    """A run: its stages but for predictions, and, once it is planned, its shards."""

    folder: Path
    stages: list[Job]
    shards: list[Job] = field(default_factory=list)
    plan: Plan | None = None
    written: int = 0
    expected: int = 0
    free: int = 0

    @property
    def finished(self) -> bool:
        """Whether the last stage is done."""
        return (self.folder / "manifest.json").exists() and (self.folder / "summary.txt").exists()

    def count(self, state: str) -> int:
        """Shards in a state."""
        return sum(job.state == state for job in self.shards)

    @property
    def windows(self) -> int:
        """Windows that are predicted."""
        return sum(job.done for job in self.shards)

    @property
    def rate(self) -> float:
        """Windows a second of all running jobs; before their first word, as those that ended."""
        running = [job for job in self.shards if job.state == "running"]
        mean = self.mean_rate
        return sum(job.rate or mean for job in running)

    @property
    def mean_rate(self) -> float:
        """Windows a second of one job, of those that ended."""
        ended = [job for job in self.shards if job.state == "done" and job.seconds]
        seconds = sum(job.seconds for job in ended)
        return sum(job.done for job in ended) / seconds if seconds else 0.0


def read_status(folder: Path, *, now: float | None = None) -> Status:
    """Read how a run gets on.

    Parameters
    ----------
    folder : Path
        `{results}/{run}`.
    now : float, optional
        Seconds since the epoch.

    Raises
    ------
    UserError
        If there is no run in the folder.
    """
    now = time.time() if now is None else now
    if not ((folder / "work").is_dir() or (folder / "logs").is_dir()):
        raise UserError(f"{folder}: no run is there{_suggest(folder)}: give results/RUN")
    stages = [_read_job(log, log.stem, now=now) for log in _list_logs(folder / "logs")]
    status = Status(folder, stages, free=shutil.disk_usage(folder).free)
    path = folder / "work" / "plan.json"
    if path.exists():
        plan = status.plan = Plan.load(path)
        status.shards = _read_shards(folder, plan, now=now)
        status.expected = (
            plan.bins * len(plan.tracks) * (2 if plan.settings.dtype == "float16" else 4)
        )
        status.written = _sum_sizes(folder / "work" / "shards", ".npy")
    return status


def _list_logs(folder: Path) -> list[Path]:
    """Logs of the stages, in their order; those of a stage of several jobs are numbered."""
    known, numbered = STAGES.split(), re.compile(r"([a-z]+)(?:_(\d+))?\.log")
    found = []
    for name in _list_names(folder):
        match = numbered.fullmatch(name)
        if match and match[1] in known:
            found.append((known.index(match[1]), int(match[2] or 0), folder / name))
    return [log for _, _, log in sorted(found)]


def _read_shards(folder: Path, plan: Plan, *, now: float) -> list[Job]:
    shards, logs = folder / "work" / "shards", folder / "logs" / "predict"
    there = _list_names(shards)
    logged = _list_names(logs)
    jobs = []
    for shard in plan.shards:
        windows = shard.last - shard.first
        log = logs / f"{shard.id}.log"
        job = (
            _read_job(log, shard.id, now=now, parts=_list_parts(there, shards, shard))
            if log.name in logged
            else Job(shard.id, "waiting")
        )
        complete = f"{shard.id}.json" in there and read_sidecar(shards, plan, shard) is not None
        if complete:
            job.state, job.done = "done", windows
        elif job.state == "done":  # of an earlier plan
            job.state, job.done, job.seconds = "waiting", 0, None
        jobs.append(job)
    return jobs


def _list_parts(there: set[str], folder: Path, shard: Shard) -> list[Path]:
    """Files of a shard that are being written."""
    begin = f".{shard.id}.npy."
    return [folder / name for name in there if name.startswith(begin)] if there else []


def _read_job(log: Path, name: str, *, now: float, parts: list[Path] = ()) -> Job:
    """What a job's log tells: a job that said nothing for long, and wrote nothing, is lost."""
    text, touched = _read_ends(log)
    lines = [line for line in map(_clean, text.splitlines()) if line]
    last = next((line for line in reversed(lines) if not TIMES.match(line)), "")
    job = Job(name, "running", last, str(log))
    times = {word: datetime.fromisoformat(stamp) for stamp, word in TIMES.findall(text)}
    if "finished" in times:
        job.state = "done"
        if "started" in times:
            job.seconds = max(0.0, (times["finished"] - times["started"]).total_seconds())
        return job
    told = [match for line in lines if (match := PROGRESS.search(line))]
    if told:
        job.done = int(told[-1][1].replace(",", ""))
        job.rate = float(told[-1][3].replace(",", ""))
    if any(line.startswith(f"genometracks {_command(log)}: ") for line in lines):
        job.state, job.done = "failed", 0
        return job
    alive = max([touched, *(_touched(part) for part in parts)])
    if now - alive > SILENCE:
        silent = datetime.fromtimestamp(alive).isoformat(" ", "minutes")
        job.state, job.done = "failed", 0
        job.last = f"silent since {silent}, probably killed; its last word: {last or 'none'}"
    return job


def _command(log: Path) -> str:
    return "predict" if log.parent.name == "predict" else log.stem.split("_")[0]


def _read_ends(path: Path) -> tuple[str, float]:
    """The begin and the end of a log, and when it was last written."""
    try:
        with open(path, "rb") as file:
            touched = os.fstat(file.fileno()).st_mtime
            head = file.read(TAIL)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(len(head), size - TAIL))
            return (head + file.read()).decode("utf-8", "replace"), touched
    except OSError:
        return "", 0.0


def _clean(line: str) -> str:
    """A line as plain text, of a terminal's width."""
    line = "".join(char if char.isprintable() else "?" for char in line.rstrip())
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _list_names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


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
    """The runs in a folder of runs, by name."""
    found = sorted(path.parent for path in folder.glob("*/work") if path.is_dir())
    return [path for path in found if path.name != "shared"]


def _suggest(folder: Path) -> str:
    for place in (folder, folder.parent):
        names = [str(path) for path in list_runs(place)[:5]]
        if names:
            return f"; there are {', '.join(names)}"
    return ""


def as_json(status: Status) -> str:
    """The numbers, for programs."""
    plan = status.plan
    return json.dumps(
        {
            "run": status.folder.name,
            "finished": status.finished,
            "stages": [vars(job) for job in status.stages],
            "shards": {
                state: [job.name for job in status.shards if job.state == state]
                for state in ("done", "running", "failed", "waiting")
            },
            "failed": [vars(job) for job in status.shards if job.state == "failed"],
            "windows": {"done": status.windows, "all": plan.windows if plan else None},
            "windows_a_second": status.rate,
            "bytes": {
                "written": status.written,
                "expected": status.expected,
                "free": status.free,
            },
        },
        indent=1,
    )
