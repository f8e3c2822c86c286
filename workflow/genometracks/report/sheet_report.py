"""report.html of a sheet: its runs side by side, from the facts in their own reports."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genometracks.browse.page.page_data import name_model
from genometracks.common.atomic import write_atomically
from genometracks.config.folders import REPORT
from genometracks.evaluation.table import Correlation, SiteScore
from genometracks.report.facts import Facts, load_facts
from genometracks.report.figures import Dots, draw_dots
from genometracks.report.render import Picture, make_picture, render
from genometracks.report.texts import Rated, find_first_row

__all__ = ["write_comparison"]

SERIES = 4
"""Pairs of tracks that are drawn with marks of their own."""
DRAWN = 60
"""Largest number of runs that are drawn; the table has all."""


@dataclass(frozen=True)
class RunRow:
    """A run in the table; numbers are None where they are not known."""

    run: str
    link: str
    model: str
    genome: str
    tracks: int
    bins: int
    wall: float
    rate: float | None
    hours: float | None
    mean: float | None
    correlation: Correlation | None
    score: SiteScore | None


@dataclass(frozen=True)
class Comparison:
    """What the template shows."""

    rows: list[RunRow]
    pictures: list[Picture]
    pairs: list[tuple[str, Correlation]]
    scores: list[tuple[str, SiteScore]]


def write_comparison(path: Path, reports: Sequence[Path]) -> None:
    """Write the report that compares the runs of a sheet.

    Parameters
    ----------
    path : Path
        Beside the runs.
    reports : sequence of Path
        Of the runs, in the order of the sheet.

    Raises
    ------
    UserError
        If the report of a run is missing, damaged or of another version.
    """
    facts = [load_facts(report) for report in reports]
    rows = [
        _make_row(each, report.parent.name) for each, report in zip(facts, reports, strict=True)
    ]
    page = Comparison(
        rows=rows,
        pictures=_draw(facts),
        pairs=[(each.run, row) for each in facts for row in each.correlations],
        scores=[(each.run, row) for each in facts for row in each.sites],
    )
    text = render("sheet.html.j2", page=page, title=f"{len(rows)} runs: comparison")
    with write_atomically(path) as file:
        file.write(text.encode())


def _make_row(facts: Facts, folder: str) -> RunRow:
    speed = facts.windows_a_second
    return RunRow(
        run=facts.run,
        link=f"{folder}/{REPORT}",
        model=", ".join(filter(None, (name_model(facts.weights), facts.model))),
        genome=facts.genome,
        tracks=facts.all_tracks,
        bins=facts.bins,
        wall=facts.wall,
        rate=speed * facts.owned if speed else None,
        hours=facts.device_hours,
        mean=facts.mean,
        correlation=find_first_row(facts.correlations),
        score=find_first_row(facts.sites),
    )


def _draw(facts: Sequence[Facts]) -> list[Picture]:
    """Dots of the runs: correlations and scores by pair, rate, and mean."""
    facts = facts[:DRAWN]
    names = [each.run for each in facts]
    found = []
    correlations = _make_series(
        [{_key(row): row.pearson for row in _choose(each.correlations)} for each in facts]
    )
    scores = _make_series(
        [{_key(row): row.average_precision for row in _choose(each.sites)} for each in facts]
    )
    rates = [_scale(each.windows_a_second, each.owned / 1000) for each in facts]
    charts: list[tuple[str, list[Dots]]] = [
        ("Pearson correlation (held-out bins, if there are any)", correlations),
        ("average precision (held-out bins, if there are any)", scores),
        ("rate of one prediction job (kbp/s)", [Dots("rate", rates)]),
        ("mean of the tracks (median over tracks)", [Dots("mean", [each.mean for each in facts])]),
    ]
    for label, series in charts:
        if any(value is not None for each in series for value in each.values):
            png = draw_dots(names, series, label=label)
            found.append(make_picture(png, alt=label))
    return found


def _scale(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _choose(rows: Sequence[Rated]) -> list[Rated]:
    """One row for each pair: of held-out bins, if there is one."""
    pairs = dict.fromkeys(_key(row) for row in rows)
    chosen = [find_first_row([row for row in rows if _key(row) == pair]) for pair in pairs]
    return [row for row in chosen if row]


def _key(row: Correlation | SiteScore) -> str:
    return f"{row.track}, {row.observed}"


def _make_series(runs: Sequence[Mapping[str, float]]) -> list[Dots]:
    """A series for each of the first pairs, with a value, or None, for each run."""
    pairs = list(dict.fromkeys(pair for run in runs for pair in run))[:SERIES]
    return [Dots(pair, [_drop_nan(run.get(pair)) for run in runs]) for pair in pairs]


def _drop_nan(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
