"""Progress as plain lines, where there is no terminal: one per change, few while predicting."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TextIO

from genometracks.launch.jobs import Task
from genometracks.launch.view import View

DUMB = ("dumb", "unknown")
"""Values of TERM of terminals that cannot redraw a line."""
PAUSE = 30.0
"""Seconds between two lines about the predictions of a run."""


class Display(Protocol):
    """Shows the progress of runs, and lines that stay."""

    def show(self, views: Sequence[View], shared: Sequence[Task]) -> None:
        """Show the progress of the runs, and of what several runs share."""

    def write(self, line: str) -> None:
        """Write a line that stays."""


class Lines:
    """Plain lines on stderr.

    Parameters
    ----------
    stream : text stream
    pause : float
        Seconds between two lines about the predictions of a run. Default is `PAUSE`.
    """

    def __init__(self, stream: TextIO, *, pause: float = PAUSE) -> None:
        self._stream, self._pause = stream, pause
        self._stages: dict[str, tuple[str, ...]] = {}
        self._times: dict[str, float] = {}
        self._last: dict[str, str] = {}

    def show(self, views: Sequence[View], shared: Sequence[Task]) -> None:
        """Write a line for each stage that began, and the numbers of predictions now and then."""
        stages = tuple(dict.fromkeys(task.stage for task in shared))
        self._write_new("shared", stages)
        for view in views:
            self._write_new(view.run, view.stages)
            if view.predicted:
                self._write_numbers(view.run, view.predicted.text)

    def write(self, line: str) -> None:
        """Write a line."""
        print(line, file=self._stream, flush=True)

    def _write_new(self, run: str, stages: tuple[str, ...]) -> None:
        known = self._stages.get(run, ())
        for stage in stages:
            if stage not in known:
                self.write(f"{run}: {stage}")
        if stages:
            self._stages[run] = tuple(dict.fromkeys((*known, *stages)))

    def _write_numbers(self, run: str, text: str) -> None:
        now = time.monotonic()
        if now - self._times.get(run, -self._pause) >= self._pause and text != self._last.get(run):
            self._times[run], self._last[run] = now, text
            self.write(f"{run}: {text}")


@contextmanager
def open_display(stream: TextIO | None = None) -> Iterator[Display]:
    """The display for a stream: live on a terminal, plain lines elsewhere.

    Parameters
    ----------
    stream : text stream, optional
        Default is None: stderr.
    """
    stream = stream or sys.stderr
    if not stream.isatty() or os.environ.get("TERM", "").lower() in DUMB:
        yield Lines(stream)
        return
    from genometracks.launch.screen import open_screen

    with open_screen(stream) as screen:
        yield screen
