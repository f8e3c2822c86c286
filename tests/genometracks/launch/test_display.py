"""What is shown of runs: plain lines, and a live display on a terminal."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from genometracks.launch.display import Lines, open_display
from genometracks.launch.jobs import Task
from genometracks.launch.screen import Screen
from genometracks.launch.view import Predicted, View

SOME = Predicted(3, 16, 3000, 16000, 130.0, 32 * 100)
RATES = "130.0 windows/s, 416.0 kbp/s, 0:01:40 left"
NUMBERS = f"3 of 16 shards, 3,000 of 16,000 windows (19%), {RATES}"


def make_view(*stages: str, run: str = "a", predicted: Predicted | None = None) -> View:
    tasks = tuple(Task(run, stage, "", Path("x")) for stage in stages)
    return View(run, tasks, predicted, started=bool(stages))


def test_a_line_for_each_stage_and_few_for_predictions():
    stream = io.StringIO()
    with open_display(stream) as lines:
        lines.show([make_view("plan")], [Task(None, "genome", "", None)])
        for _ in range(3):
            lines.show([make_view("predict", predicted=SOME)], [])
        lines.show([make_view("predict", "tracks", predicted=SOME)], [])
        lines.write("note: text")
    assert stream.getvalue().splitlines() == [
        "shared: genome",
        "a: plan",
        "a: predict",
        f"a: {NUMBERS}",
        "a: tracks",
        "note: text",
    ]


@pytest.mark.parametrize(("term", "text"), [("dumb", "a: plan\n"), ("xterm", "\x1b[?25l")])
def test_a_terminal_that_cannot_redraw_gets_plain_lines(monkeypatch, term, text):
    monkeypatch.setenv("TERM", term)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    with open_display(stream) as display:
        display.show([make_view("plan")], [])
    assert stream.getvalue().startswith(text)


def test_numbers_are_repeated_only_when_they_changed():
    stream = io.StringIO()
    lines = Lines(stream, pause=0.0)
    later = Predicted(4, 16, 4000, 16000, 0.0, 3200)
    for numbers in (SOME, SOME, later):
        lines.show([make_view("predict", predicted=numbers)], [])
    assert stream.getvalue().splitlines() == [
        "a: predict",
        f"a: {NUMBERS}",
        "a: 4 of 16 shards, 4,000 of 16,000 windows (25%)",
    ]


def draw(views: list[View], shared: list[Task], *, width: int = 120, height: int = 20) -> list[str]:
    """Lines of the live display."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, height=height, force_terminal=True, color_system=None
    )
    with Live(console=console, auto_refresh=False, transient=True) as live:
        Screen(live).show(views, shared)
        drawn = live.renderable
    console = Console(file=(out := io.StringIO()), width=width, color_system=None)
    console.print(drawn)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_the_live_display_has_a_bar_rates_and_what_runs():
    views = [make_view("predict", "predict", "tracks", predicted=SOME)]
    line, last = draw(views, [])
    assert line.startswith("a  ━━━━╸") or line.startswith("a  ━━━━"), line
    assert "  3/16 shards, 0:01:40 left, 130.0 windows/s, 416.0 kbp/s  " in line
    assert line.endswith("running: predict 2, tracks")
    assert last == "0:00:00"


def test_many_runs_fit_the_terminal_and_are_summed_up():
    views = [make_view("plan", run=f"r{i}") for i in range(30)] + [make_view(run="z")]
    lines = draw(views, [Task(None, "model", "", None)], height=9)
    assert lines[:6] == [*(f"r{i}      plan" for i in range(5)), "shared  model"]
    assert lines[6] == "0:00:00, 30 of 31 runs active, 1 not started, 25 more are active"


def test_names_are_not_read_as_markup():
    lines = draw([make_view("plan", run="[red]x[/red]")], [])
    assert lines[0] == "[red]x[/red]  plan"


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "my_run  ━╸          3/16 shards, 0:01:40 left, 130.0 windows/s, 416.0 kbp/s  ru…"),
        (40, "my_run  3/16 shards, 0:01:40 left, 130.…"),
        (20, "my_run  3/16 shards…"),
    ],
)
def test_a_narrow_terminal_shows_the_run_and_the_time_left_first(width, line):
    views = [make_view("predict", run="my_run", predicted=SOME)]
    assert draw(views, [], width=width)[0] == line


def test_a_run_that_predicts_is_in_line_with_one_that_does_not():
    views = [make_view("predict", run="one", predicted=SOME), make_view("plan", run="x" * 99)]
    first, second, _ = draw(views, [Task(None, "model", "", None)], width=60)[:3]
    assert first.index("3/16 shards") == second.index("plan")
    assert second.startswith("x" * 19 + "…  ")
