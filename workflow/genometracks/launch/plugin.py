"""A logger plugin of Snakemake that writes what happens to a pipe, as `events.Event`.

Snakemake finds plugins by the attributes of a module; this module is registered in the process of
`launch.process` only. The plugin is documented at
https://github.com/snakemake/snakemake-interface-logger-plugins.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from logging import LogRecord
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from genometracks.launch.events import PLUGIN, Event, Kind, write_event

MODULE = f"snakemake_logger_plugin_{PLUGIN}"
QUEUE = "SLURM run ID: "
"""With it, the Slurm plugin announces the name that all its jobs have."""
VARIABLE = "GENOMETRACKS_EVENTS"
"""Variable of the environment that holds the number of the pipe's descriptor."""


class LogHandler(LogHandlerBase):
    """Writes events of jobs, and errors, to the pipe. Snakemake's own output stays as it is."""

    def emit(self, record: LogRecord) -> None:
        """Write a record, if it is one of those that are passed on."""
        event = make_event(record)
        if event:
            with suppress(OSError, ValueError, KeyError):  # nobody reads any more
                data = write_event(event)
                while data:
                    data = data[os.write(int(os.environ[VARIABLE]), data) :]

    @property
    def writes_to_stream(self) -> bool:
        """No: Snakemake's own output goes on."""
        return False

    @property
    def writes_to_file(self) -> bool:
        """No."""
        return False

    @property
    def has_filter(self) -> bool:
        """Yes: no setting of Snakemake hides an event."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Yes: events are not text."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """No."""
        return False


def make_event(record: LogRecord) -> Event | None:
    """Make the event of a log record of Snakemake; None for one that is not passed on."""
    fields = vars(record)
    kind = fields.get("event")
    if kind == LogEvent.JOB_INFO:
        started = _describe_job("started", fields, text=fields.get("reason"))
        return replace(started, time=record.created)
    if kind == LogEvent.JOB_ERROR:
        return _describe_job("failed", fields, text=fields.get("rule_msg"))
    if kind == LogEvent.JOB_FINISHED:
        return Event("finished", fields["job_id"])
    if kind == LogEvent.ERROR:
        return Event("error", text=record.getMessage())
    if kind is None and str(record.msg).startswith(QUEUE):
        return Event("queue", text=record.getMessage().removeprefix(QUEUE))
    return None


def _describe_job(kind: Kind, fields: Mapping[str, Any], *, text: object) -> Event:
    logs = tuple(str(log) for log in fields.get("log") or ())
    return Event(kind, fields["jobid"], str(fields["rule_name"]), logs, str(text or ""))
