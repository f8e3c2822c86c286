"""The status of runs as text: for the terminal, and for the end of a run."""

from pathlib import Path

from genometracks.common.atomic import write_atomically
from genometracks.common.progress import format_clock, shorten
from genometracks.errors import UserError
from genometracks.status.read import Job, Status, read_status

LISTED = 10


def describe_status(status: Status) -> str:
    """How a run gets on, on at most a screen."""
    lines = [f"{status.folder}: {_sum_up(status)}"]
    for job in status.stages:
        if job.state != "done":
            lines.append(f"  {job.name} {job.state}: {job.last or 'no word yet'} ({job.log})")
    if status.plan is None:
        return "\n".join(lines)
    states = [f"{status.count(state):,} {state}" for state in ("done", "running", "failed")]
    total = len(status.shards)
    lines.append(
        f"  shards   {', '.join(states)}, {status.count('waiting'):,} waiting of {total:,}"
    )
    part = status.windows / status.plan.windows
    lines.append(f"  windows  {status.windows:,} of {status.plan.windows:,} ({part:.1%})")
    if status.windows < status.plan.windows:
        lines.append(f"  rate     {_describe_rate(status)}")
    sizes = [f"{shorten(size)}B" for size in (status.written, status.expected, status.free)]
    lines.append(f"  bytes    shards {sizes[0]} of {sizes[1]}; {sizes[2]} free")
    if status.expected - status.written > status.free:
        lines.append("  the rest will not fit: make room, or store float16 (output.dtype)")
    lines += _list_jobs(status, "running") + _list_jobs(status, "failed")
    return "\n".join(lines)


def describe_runs(folders: list[Path]) -> str:
    """A line a run: what became of it, or how it gets on."""
    width = max((len(folder.name) for folder in folders), default=0)
    return "\n".join(f"{folder.name:<{width}}  {_describe_run(folder)}" for folder in folders)


def describe_end(folders: list[Path], above: Path | None) -> str:
    """What became of each run, a line each; of many, written to runs.txt above them, too."""
    text = describe_runs(folders)
    if above:
        with write_atomically(above / "runs.txt") as file:
            file.write(text.encode() + b"\n")
    return text


def _describe_run(folder: Path) -> str:
    try:
        return _sum_up(read_status(folder))
    except UserError as error:
        return "not started" if not (folder / "work").exists() else str(error)


def _sum_up(status: Status) -> str:
    if status.finished:
        return f"done: {status.plan.bins:,} bins of {len(status.plan.tracks):,} tracks"
    failed = [job for job in [*status.stages, *status.shards] if job.state == "failed"]
    planned = f"{status.count('done'):,} of {len(status.shards):,} shards" if status.plan else ""
    if failed:
        kind = "shard " if failed[0] in status.shards else ""
        more = f" (and {len(failed) - 1:,} more)" if len(failed) > 1 else ""
        told = f"failed: {kind}{failed[0].name}{more}: {failed[0].last}"
        return f"{planned}; {told}" if planned else told
    return planned or "not planned yet"


def _describe_rate(status: Status) -> str:
    plan, left = status.plan, status.plan.windows - status.windows
    bases = plan.geometry.owned * plan.geometry.bin
    if status.rate:
        rate, told = status.rate, "left"
    elif status.mean_rate:
        rate, told = status.mean_rate, "left if one job ran; none does"
    else:
        return "not known yet"
    speed = f"{rate:,.1f} windows/s, {shorten(rate * bases)}bp/s"
    return f"{speed}, {format_clock(left / rate)} {told}"


def _list_jobs(status: Status, state: str) -> list[str]:
    jobs = [job for job in status.shards if job.state == state]
    lines = [f"  {state}  shard {_describe_job(job)}" for job in jobs[:LISTED]]
    if len(jobs) > LISTED:
        lines.append(f"  {state}  and {len(jobs) - LISTED:,} more")
    return lines


def _describe_job(job: Job) -> str:
    where = f" ({job.log})" if job.state == "failed" else ""
    return f"{job.name}: {job.last or 'no word yet'}{where}"
