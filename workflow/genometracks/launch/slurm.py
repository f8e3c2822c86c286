"""Jobs on Slurm: why one failed, in a line, and those that a dead Snakemake left, which are ended.

All jobs of a Snakemake have one name on Slurm, which its plugin draws at random.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from genometracks.errors import UserError
from genometracks.launch.lock import Holder
from genometracks.status.lock import find_snakemakes
from genometracks.status.outcome import clean_line

NAME = re.compile(r"\w[\w.-]{0,200}")
"""A name of jobs; a list of names, or an option, is none."""
FAILURES = (
    (r"SLURM sbatch failed\. The error message was '(.*?)'\.\n", "sbatch failed: {}"),
    (r"Job submission failed with exception: (.*)", "sbatch failed: {}"),
    (r"SLURM-job '\S+' failed.*?SLURM status is: '(\w+)", "Slurm ended the job: {}"),
)
"""What Snakemake's Slurm plugin says of a failed job, and what is shown of it."""
GRACE = 120.0
"""Seconds that cancelled jobs have to end: Slurm kills them after its KillWait, 30 s."""
LINGER = 10.0
"""Seconds that processes of a job may live on after it has left the queue."""
ENDING = "COMPLETING"
LIMIT = 60
"""Seconds that a command of Slurm may take."""


def describe_failure(said: str) -> str:
    """Why Slurm did not run a job, or ended it; "" if nothing is known.

    Examples
    --------
    >>> describe_failure("SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. Reason: Unknown.")
    'Slurm ended the job: TIMEOUT'
    """
    for pattern, text in FAILURES:
        match = re.search(pattern, said, re.DOTALL)
        if match:
            return text.format(clean_line(" ".join(match[1].split())))
    return ""


def end_left(former: Sequence[Holder]) -> None:
    """End the jobs that killed processes left on Slurm, and say so on stderr.

    Parameters
    ----------
    former : sequence of Holder
        The processes that locked the runs before.

    Raises
    ------
    UserError
        If jobs do not end, if the process that started them may still live, on another host, or
        if Slurm does not answer.
    """
    for holder in former:
        for name in holder.queues:
            jobs = list_jobs(name)
            if not jobs:
                continue
            left = f"{len(jobs):,} jobs of an earlier run are still on Slurm"
            if holder.process.lives is not False:
                raise UserError(
                    f"{left}: process {holder.process.pid} on {clean_line(holder.host)} started "
                    f"them: if it has ended, cancel them, and run again: scancel --name={name}"
                )
            print(f"note: {left}: they are cancelled", file=sys.stderr, flush=True)
            remaining = end_jobs(name)
            if remaining:
                raise UserError(
                    f"{left} and do not end: wait until `squeue --name={name}` lists none of "
                    "them, and run again"
                )
            _await_processes()


def _await_processes() -> None:
    """Wait for the end of what ended jobs did on this machine: it may outlive them in the queue."""
    here, end = Path.cwd(), time.monotonic() + LINGER
    while find_snakemakes(here) and time.monotonic() < end:
        time.sleep(0.1)


def end_jobs(name: str, *, hurry: Callable[[], bool] = lambda: False) -> list[str]:
    """Cancel jobs on Slurm, and wait until they have ended; return those that have not.

    Parameters
    ----------
    name : str
        The name of the jobs.
    hurry : callable
        Whether not to wait any longer. Default is never.

    Raises
    ------
    UserError
        If Slurm does not answer.
    """
    jobs, end = list_jobs(name), time.monotonic() + GRACE
    if any(state != ENDING for state in jobs.values()):
        with suppress(UserError):  # a job may have ended in between
            _call("scancel", f"--name={name}", f"--user={os.getuid()}")
    while jobs and time.monotonic() < end and not hurry():
        time.sleep(0.5)
        jobs = list_jobs(name)
    return [job for job, state in jobs.items() if state != ENDING]


def list_jobs(name: str) -> dict[str, str]:
    """Numbers of the user's jobs of a name in Slurm's queue -> their states; none without Slurm."""
    if not NAME.fullmatch(name) or not shutil.which("squeue"):
        return {}
    words = ["--noheader", "--format=%i %T", f"--user={os.getuid()}", f"--name={name}"]
    rows = (line.split() for line in _call("squeue", *words).splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}


def _call(program: str, *words: str) -> str:
    try:
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT,
            start_new_session=True,  # Ctrl-C is not for it
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(_describe(program, str(error))) from error
    if done.returncode:
        raise UserError(_describe(program, done.stderr))
    return done.stdout


def _describe(program: str, why: str) -> str:
    why = clean_line(" ".join(why.split())) or "no message"
    return f"{program}: {why}: jobs that an earlier run left must end first: run again later"
