"""Progress on a terminal: one line per run, with a bar while it predicts, drawn by rich."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from genometracks.common.units import format_duration
from genometracks.launch.jobs import Task
from genometracks.launch.view import View

BAR = 24
"""Width of a bar, in characters."""
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
        table = Table.grid(padding=(0, 2))
        for _ in range(3):
            table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        active = [view for view in views if view.tasks]
        for view in active[:height]:
            _add_run(table, view)
        if shared:
            table.add_row(Text("shared", style="bold"), Text(_name_tasks(shared)))
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


def _add_run(table: Table, view: View) -> None:
    name, tasks = Text(view.run, style="bold"), Text(_name_tasks(view.tasks))
    found = view.predicted
    if found is None:
        table.add_row(name, tasks)
        return
    bar = ProgressBar(total=max(found.all_windows, 1), completed=found.windows, width=BAR)
    numbers = f"{found.shards:,}/{found.all_shards:,} shards"
    others = [task for task in view.tasks if task.stage != "predict"]
    shown = [f"predict {len(view.tasks) - len(others)}", *(task.name for task in others[:NAMED])]
    table.add_row(
        name, bar, Text(", ".join([numbers, *found.rates])), Text(f"running: {', '.join(shown)}")
    )


def _name_tasks(tasks: Sequence[Task]) -> str:
    names = [task.name for task in tasks[:NAMED]]
    return ", ".join(names) + (f" and {len(tasks) - NAMED:,} more" if len(tasks) > NAMED else "")


@contextmanager
def open_screen(stream: TextIO) -> Iterator[Screen]:
    """Show the live display on a terminal until the block ends, and remove it then."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        yield Screen(live)
