"""What Snakemake reports while it runs, as records that pass through a pipe, one JSON a line."""

from dataclasses import dataclass
from typing import Literal

from genometracks.common.records import format_record, optional, parse_record

PLUGIN = "genometracks"
"""Name of the logger plugin of Snakemake that writes events."""
Kind = Literal["started", "finished", "failed", "error", "queue"]


@dataclass(frozen=True)
class Event:
    """An event of a Snakemake process.

    Attributes
    ----------
    kind : str
        "started" (in a dry run: would be started), "finished" and "failed" are of jobs, "error" is
        an error of Snakemake itself, "queue" tells the name that all its jobs have on Slurm.
    job : int
        Snakemake's number of the job. Default is -1: no job.
    rule : str
        Default is "".
    logs : tuple of str
        Paths of a job's logs: the rule's and, if it failed on Slurm, Slurm's.
    text : str
        Why a job runs, what Snakemake says of an error, or the name on Slurm. Default is "".
    time : float
        When a job was started, in seconds since the epoch. Default is 0: not known.
    """

    kind: Kind
    job: int = optional(-1)
    rule: str = optional("")
    logs: tuple[str, ...] = optional(())
    text: str = optional("")
    time: float = optional(0.0)


def write_event(event: Event) -> bytes:
    """Format an event as one line."""
    return format_record(event).encode() + b"\n"


def read_event(line: bytes) -> Event | None:
    """Parse a line that `write_event` formatted; None if it is not one."""
    try:
        return parse_record(Event, line.decode())
    except (ValueError, TypeError):
        return None
