"""One run of the workflow, from the locks to the last line."""

import signal
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from genometracks.common.stops import Stopped
from genometracks.errors import UserError
from genometracks.launch.display import Display, open_display
from genometracks.launch.ending import describe_ending, list_missing
from genometracks.launch.lock import HeldRuns, hold_runs
from genometracks.launch.process import Snakemake
from genometracks.launch.project import Project
from genometracks.launch.signals import Forwarded, forward_signals
from genometracks.launch.slurm import end_jobs, end_left
from genometracks.launch.stale_lock import remove_stale_lock
from genometracks.launch.watch import Watched
from genometracks.status.outcome import read_outcome

TICK = 0.5
"""Seconds between two updates of the display."""
LOGS = Path(".snakemake/log")
AGAIN = "run the same command again: complete files are kept"


def run_workflow(project: Project, words: list[str], *, standby: bool = False) -> str:
    """Run the workflow, and show its progress on stderr.

    Parameters
    ----------
    project : Project
    words : list of str
        Arguments of Snakemake's command line, from `write_arguments`.
    standby : bool
        As in `process.Snakemake`. Default is False.

    Returns
    -------
    str
        What was written, and how to look at it.

    Raises
    ------
    UserError
        If another process works on a run, a job fails, or a run is not complete at the end.
    Stopped
        If a signal ended the run; no job is left running.
    """
    start = time.monotonic()
    with hold_runs(project.folders) as held:
        end_left(held.former)
        removed = remove_stale_lock(project.homes, held)
        log = LOGS / f"{datetime.now():%Y-%m-%dT%H%M%S.%f}.run.log"
        process = Snakemake(words, log=log, standby=standby)
        jobs = _follow(project, process, held, log=log, unlocked=bool(removed))
    return describe_ending(project, seconds=time.monotonic() - start, jobs=jobs)


def _follow(
    project: Project, process: Snakemake, held: HeldRuns, *, log: Path, unlocked: bool
) -> int:
    """Show what Snakemake does until it ends; return how many jobs ran."""
    watched, ended = Watched(project), True
    try:
        with open_display() as display, forward_signals(process) as forwarded:
            if unlocked:
                display.write("note: an earlier Snakemake was killed; its lock is removed")
            told = False
            for event in process.watch(TICK):
                stopping = forwarded.number is not None
                if stopping and not told:
                    told = True
                    display.write("ending the jobs; a second Ctrl-C kills them at once")
                if event and event.kind == "queue":
                    held.sign(event.text)
                if event:
                    watched.take(event, display, stopping=stopping)
                else:
                    watched.show(display)
            if process.wait() and watched.queue:
                ended = _end_queued(watched.queue, display, forwarded)
    finally:
        process.interrupt()
    if ended:
        held.sign()
    if forwarded.number is not None:
        raise Stopped(forwarded.number)
    _check(project, watched, status=process.wait(), log=log)
    return watched.jobs.finished


def _end_queued(name: str, display: Display, forwarded: Forwarded) -> bool:
    """End jobs on Slurm that Snakemake left: it does not cancel those whose states it asks for."""
    try:
        if not end_jobs(name, hurry=lambda: forwarded.again):
            return True
    except UserError:
        pass
    display.write(
        f"note: jobs may be left on Slurm, and are ended by the next run: squeue --name={name}"
    )
    return False


def _check(project: Project, watched: Watched, *, status: int, log: Path) -> None:
    """Raise UserError unless Snakemake succeeded and all runs are complete."""
    failed = len(watched.jobs.failed)
    if failed:
        what = "1 job failed" if failed == 1 else f"{failed:,} jobs failed"
        raise UserError(f"{what}, see above and {log}: correct the cause and {AGAIN}")
    if status < 0:
        name = signal.Signals(-status).name
        raise UserError(f"Snakemake was killed ({name}): memory may be exhausted: {AGAIN}")
    if status:
        raise UserError(f"Snakemake: {describe_error(watched.errors, log)} (see {log})")
    missing = [file for run in project.runs.values() for file in list_missing(run)]
    if missing:
        raise UserError(
            f"not complete: Snakemake did what its options asked, and {missing[0]} is missing: "
            "run again without these options"
        )


def describe_error(errors: Sequence[str], log: Path) -> str:
    """The first lines of an error of Snakemake; without one, the last line of its output."""
    said = errors[0] if errors else read_outcome(log).last
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " ".join(lines[:3]) or "ended with an error"
