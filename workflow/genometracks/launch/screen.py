"""Progress on a terminal: one line per run, with a bar while it predicts, drawn by rich."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from genometracks.common.units import format_duration
from genometracks.launch.jobs import Task
from genometracks.launch.view import View

BARS = {110: 24, 60: 10}
"""Least width of the terminal -> width of a bar, in characters; none on a narrower one."""
NAME = 3
"""Part of the width, as 1/n, that the names of runs take at most."""
GAP = 2
"""Characters between two columns."""
NAMED = 4
"""Running jobs of a run that are named."""
RESERVED = 4
"""Lines of a terminal that are left to other output."""


class Screen:
    """The live display.

    Parameters
    ----------
    live : Live
        Refreshed by `show` alone.
    """

    def __init__(self, live: Live) -> None:
        self._live, self._start = live, time.monotonic()

    def show(self, views: Sequence[View], shared: Sequence[Task]) -> None:
        """Draw the progress of the runs."""
        height = max(1, self._live.console.height - RESERVED)
        active = [view for view in views if view.tasks]
        table = _draw(active[:height], shared, width=self._live.console.width)
        last = Text(self._sum_up(views, active, len(active[height:])), style="dim")
        self._live.update(Group(table, last), refresh=True)

    def write(self, line: str) -> None:
        """Write a line above the display."""
        self._live.console.print(Text(line), soft_wrap=True)

    def _sum_up(self, views: Sequence[View], active: Sequence[View], hidden: int) -> str:
        parts = [format_duration(time.monotonic() - self._start)]
        if len(views) > 1:
            waiting = sum(not view.started for view in views)
            idle = len(views) - len(active) - waiting
            parts.append(f"{len(active)} of {len(views)} runs active")
            parts += [f"{waiting} not started"] if waiting else []
            parts += [f"{idle} done or waiting"] if idle else []
        parts += [f"{hidden} more are active"] if hidden else []
        return ", ".join(parts)


def _draw(views: Sequence[View], shared: Sequence[Task], *, width: int) -> Table:
    """A line per run, of at most `width` characters: what matters least is cut off."""
    names = [*(view.run for view in views), *(["shared"] if shared else [])]
    first = min(max(map(cell_len, names), default=0), width // NAME)
    predicting = any(view.predicted for view in views)
    bar = next((size for least, size in BARS.items() if width >= least), 0) if predicting else 0
    rest = width - first - GAP - (bar + GAP if bar else 0)
    table = Table.grid(padding=(0, GAP))
    for size in (first, bar, rest) if bar else (first, rest):
        table.add_column(no_wrap=True, width=size, overflow="ellipsis")
    lines = [(view.predicted, _describe(view)) for view in views]
    lines += [(None, _name_tasks(shared))] if shared else []
    for name, (found, text) in zip(names, lines, strict=True):
        cells: list[Text | ProgressBar] = [Text(name, style="bold")]
        if bar and found:
            total = max(found.all_windows, 1)
            cells.append(ProgressBar(total=total, completed=found.windows, width=bar))
        elif bar:
            cells.append(Text(""))
        table.add_row(*cells, Text(text))
    return table


def _describe(view: View) -> str:
    """What a run does: the time left first, since the end may be cut off."""
    found = view.predicted
    if found is None:
        return _name_tasks(view.tasks)
    others = [task for task in view.tasks if task.stage != "predict"]
    shown = [f"predict {len(view.tasks) - len(others)}", *(task.name for task in others[:NAMED])]
    parts = [f"{found.shards:,}/{found.all_shards:,} shards", *found.rates[-1:], *found.rates[:-1]]
    return f"{', '.join(parts)}  running: {', '.join(shown)}"


def _name_tasks(tasks: Sequence[Task]) -> str:
    names = [task.name for task in tasks[:NAMED]]
    return ", ".join(names) + (f" and {len(tasks) - NAMED:,} more" if len(tasks) > NAMED else "")


@contextmanager
def open_screen(stream: TextIO) -> Iterator[Screen]:
    """Show the live display on a terminal until the block ends, and remove it then."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        yield Screen(live)
