"""Status of runs as text, for the terminal and for the end of a run, and as JSON."""

import json
from collections.abc import Sequence
from pathlib import Path

from genometracks.common.atomic import write_atomically
from genometracks.common.records import as_plain
from genometracks.common.units import format_count, format_duration, format_si
from genometracks.config.folders import RUNS
from genometracks.errors import UserError
from genometracks.plan.plan import Plan
from genometracks.status.job import STATES, Job, State, clean_line
from genometracks.status.read import Status, read_status

LISTED = 10
"""Largest number of jobs of one state that are listed by name."""
SILENT = "no log output yet"
AGAIN = "interrupted: run again to continue"


def describe_status(status: Status) -> str:
    """Describe the progress of a run, on at most one screen."""
    lines = [f"{status.folder}: {_sum_up(status)}"]
    for job in status.stages:
        if job.state != "done":
            lines.append(f"  {job.name} {job.state}: {job.last or SILENT} ({job.log})")
    if status.plan:
        lines += _describe_shards(status, status.plan)
        for state in ("running", "interrupted", "failed"):
            lines += _list_jobs(status, state)
    return "\n".join(lines)


def _describe_shards(status: Status, plan: Plan) -> list[str]:
    """Describe shards, windows, rate and bytes, one line each."""
    counts = [(status.count(state), state) for state in STATES]
    shown = [f"{n:,} {state}" for n, state in counts if n or state != "interrupted"]
    part = status.windows / plan.windows
    lines = [
        f"  shards   {', '.join(shown)} of {len(status.shards):,}",
        f"  windows  {status.windows:,} of {plan.windows:,} ({part:.1%})",
    ]
    if status.windows < plan.windows and not status.interrupted:
        lines.append(f"  rate     {_describe_rate(status, plan)}")
    written, expected, free = (
        f"{format_si(size)}B" for size in (status.written, status.expected, status.free)
    )
    lines.append(f"  bytes    shards {written} of {expected}; {free} free")
    if status.expected - status.written > status.free:
        lines.append("  the rest will not fit: free space, or store float16 (output.dtype)")
    return lines


def describe_runs(folders: Sequence[Path]) -> str:
    """Describe the result or the progress of runs, one line per run."""
    width = max((len(folder.name) for folder in folders), default=0)
    return "\n".join(f"{folder.name:<{width}}  {_describe_run(folder)}" for folder in folders)


def describe_end(folders: Sequence[Path], above: Path | None) -> str:
    """Describe the outcome of runs, one line per run.

    Parameters
    ----------
    folders : sequence of Path
        Folders of the runs.
    above : Path or None
        Folder in which the text is also written to runs.txt; None to write nothing.
    """
    text = describe_runs(folders)
    if above:
        with write_atomically(above / RUNS) as file:
            file.write(text.encode() + b"\n")
    return text


def as_json(status: Status) -> str:
    """Format the status of a run as JSON, for programs."""
    plan = status.plan
    numbers = {
        "run": status.folder.name,
        "finished": status.finished,
        "stages": as_plain(status.stages),
        "shards": {
            state: [job.name for job in status.shards if job.state == state] for state in STATES
        },
        "failed": [as_plain(job) for job in status.shards if job.state == "failed"],
        "windows": {"done": status.windows, "all": plan.windows if plan else None},
        "windows_a_second": status.rate,
        "bytes": {
            "written": status.written,
            "expected": status.expected,
            "free": status.free,
        },
    }
    return json.dumps(numbers, indent=1)


def _describe_run(folder: Path) -> str:
    try:
        return _sum_up(read_status(folder))
    except UserError as error:
        return "not started" if not (folder / "work").exists() else str(error)


def _sum_up(status: Status) -> str:
    plan = status.plan
    if status.finished:
        if plan is None:
            return "done"
        tracks = format_count(len(plan.tracks), "track")
        return f"done: {format_count(plan.bins, 'bin')} of {tracks}"
    failed = [job for job in [*status.stages, *status.shards] if job.state == "failed"]
    planned = f"{status.count('done'):,} of {len(status.shards):,} shards" if plan else ""
    if failed:
        kind = "shard " if failed[0] in status.shards else ""
        more = f" (and {len(failed) - 1:,} more)" if len(failed) > 1 else ""
        reason = f"failed: {kind}{failed[0].name}{more}: {failed[0].last}"
        return f"{planned}; {reason}" if planned else reason
    if status.interrupted:
        return f"{planned}; {AGAIN}" if planned else AGAIN
    return planned or "not planned yet"


def _describe_rate(status: Status, plan: Plan) -> str:
    bases = plan.geometry.owned * plan.geometry.bin
    rate, left = status.rate, "left"
    if not rate:
        rate, left = status.mean_rate, "left if one job ran; none is running"
    if not rate:
        return "not known yet"
    time_left = format_duration((plan.windows - status.windows) / rate)
    return f"{rate:,.1f} windows/s, {format_si(rate * bases)}bp/s, {time_left} {left}"


def _list_jobs(status: Status, state: State) -> list[str]:
    jobs = [job for job in status.shards if job.state == state]
    lines = [f"  {state}  shard {job.name}: {_describe_job(job)}" for job in jobs[:LISTED]]
    if len(jobs) > LISTED:
        lines.append(f"  {state}  and {len(jobs) - LISTED:,} more")
    return lines


def _describe_job(job: Job) -> str:
    if job.progress:
        windows = f"{job.progress.done:,} of {job.progress.total:,} windows"
        return clean_line(f"{windows}, {job.rate:,.1f} windows/s on {job.progress.host}")
    where = f" ({job.log})" if job.state != "running" else ""
    return f"{job.last or SILENT}{where}"
