"""Log output of a command: one format, on stderr, and the times at which a stage ran.

Modules log with `logging.getLogger(__name__)`: `info` for what a stage did, `warning` for a note
to the user, which says what happened, whether it matters, and what to do.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from genometracks.errors import UserError
from grelu_models.secrets import mask

PACKAGES = ("genometracks", "grelu_models")
"""Loggers whose records are written."""

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters, apart from tab and line feed."""

NOTE = "genometracks: note: "
"""Prefix of a note to the user."""

Event = Literal["started", "finished"]
EVENT = re.compile(r"^(\d{4}-\d\d-\d\dT\S+) (started|finished) ", re.MULTILINE)


class LineFormatter(logging.Formatter):
    """Format records as lines: information as it is, notes and errors with a prefix.

    The prefix of an error contains the command, so that `status` recognises the line.
    """

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def format(self, record: logging.LogRecord) -> str:
        """Return the message with the prefix of its level, without secrets; an error is a line."""
        text = _escape(mask(super().format(record)))
        if record.levelno >= logging.ERROR:
            prefix = error_prefix(self._command)
            if isinstance(record.msg, UserError):  # its errors are lines
                return "\n".join(f"{prefix}{line}" for line in text.split("\n"))
            if not record.exc_info:
                text = text.replace("\n", "\\n")
            return f"{prefix}{text}"
        if record.levelno >= logging.WARNING:
            return f"{NOTE}{text}"
        return text


def _escape(text: str) -> str:
    """Replace characters that a terminal acts on: names of files and tracks may contain them."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def error_prefix(command: str) -> str:
    """Prefix of an error's line in the log of a command."""
    return f"genometracks {command}: "


@contextmanager
def log_to_stderr(command: str) -> Iterator[None]:
    """Write this program's log records to stderr while the block runs, from level INFO upwards."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(command))
    loggers = [logging.getLogger(name) for name in PACKAGES]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


def format_event(event: Event, command: str) -> str:
    """Format the line that records when a stage started or finished; `find_events` reads it."""
    now = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return f"{now} {event} {command}"


def find_events(text: str) -> dict[str, datetime]:
    """Find the times at which a stage started and finished in its log, the last of each.

    Parameters
    ----------
    text : str
        A log, or the beginning and the end of one.

    Returns
    -------
    dict
        `started` and `finished` -> time, for the events that the log contains.
    """
    events = {}
    for stamp, event in EVENT.findall(text):
        try:
            events[event] = datetime.fromisoformat(stamp)
        except ValueError:  # a damaged line
            continue
    return events


def is_event(line: str) -> bool:
    """Whether a line of a log was written by `format_event`."""
    return bool(EVENT.match(line))
