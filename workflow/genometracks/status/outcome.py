"""What a job's log states for the user: its notes, and the error that ended it."""

import os
from dataclasses import dataclass
from pathlib import Path

from genometracks.common.logs import NOTE, error_prefix, is_event
from genometracks.config.stages import STAGES

MOST = 1 << 20
"""Bytes that are read from each end of a log."""
WIDTH = 2000
"""Longest line that is shown, in characters."""


@dataclass(frozen=True)
class Outcome:
    """What a job's log states.

    Attributes
    ----------
    notes : tuple of str
        Warnings, without their prefix.
    error : str
        The line of the error, without its prefix. Default is "": the log has none.
    last : str
        The last line that is not an event. Default is "".
    """

    notes: tuple[str, ...]
    error: str = ""
    last: str = ""


def read_outcome(log: Path) -> Outcome:
    """Read notes and error of a job's log; there are none if it cannot be read.

    Control characters are replaced: lines may be shown on a terminal.
    """
    lines = [clean_line(line) for line in _read(log).splitlines()]
    notes = [line.removeprefix(NOTE) for line in lines if line.startswith(NOTE)]
    prefixes = tuple(map(error_prefix, STAGES))
    errors = [line.split(": ", 1)[1] for line in lines if line.startswith(prefixes)]
    words = [line for line in lines if line and not is_event(line)]
    return Outcome(
        tuple(dict.fromkeys(notes)),
        errors[-1] if errors else "",
        words[-1] if words else "",
    )


def _read(log: Path) -> str:
    """The beginning and the end of a log."""
    try:
        with open(log, "rb") as file:
            head = file.read(MOST)
            size = os.fstat(file.fileno()).st_size
            file.seek(max(len(head), size - MOST))
            return (head + file.read(MOST)).decode("utf-8", "replace")
    except OSError:
        return ""


def clean_line(line: str) -> str:
    """A line that may be shown on a terminal: no control characters, not too long."""
    line = "".join(char if char.isprintable() else "?" for char in line.rstrip())
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."
