"""Figures of a report as PNG data: distributions of tracks, and runs side by side.

Colours are of Okabe and Ito's palette, which colour-blind readers can tell apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from genometracks.evaluation.figure_style import (
    GREY,
    STYLE,
    encode_figure,
    format_number,
    wrap_label,
)
from genometracks.report.values import Sample

__all__ = ["Dots", "draw_dots", "draw_histogram"]

DPI = 120
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
MARKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"))
CELLS = 60
"""Bars of a histogram."""
NARROW = 1e-6
"""Range of values, relative to their size, below which a track is drawn as constant."""


@dataclass(frozen=True)
class Dots:
    """A series of a dot chart: a value, or None, for each row."""

    label: str
    values: Sequence[float | None]


def draw_histogram(sample: Sample, *, name: str, unit: str) -> bytes:
    """Draw the distribution of a track's values; bars have a logarithmic scale.

    Parameters
    ----------
    sample : Sample
    name : str
        The title: name of the track.
    unit : str
        What the values are: label of their axis.
    """
    values = sample.values
    with style.context(STYLE):
        figure = Figure(figsize=(3.55, 2.5), dpi=DPI)
        FigureCanvasAgg(figure)
        label = wrap_label(unit, width=44, lines=2)
        bottom = 0.29 if "\n" in label else 0.23
        figure.subplots_adjust(left=0.26, right=0.93, top=0.86, bottom=bottom)
        ax = figure.add_subplot()
        if len(values):
            counts, edges = np.histogram(values, _choose_edges(values))
            ax.stairs(counts, edges, fill=True, color=BLUE)
            _scale_counts(ax, int(counts.max()))
            if edges[0] < 0 < edges[-1]:
                ax.axvline(0, color=GREY, lw=0.8, ls=(0, (3, 2)))
        ax.set_title(wrap_label(name, width=40, lines=1), loc="left", fontsize=9, pad=5)
        ax.set_xlabel(label)
        ax.set_ylabel("bins")
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(FuncFormatter(format_number))
        return encode_figure(figure, dpi=DPI)


def _choose_edges(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Edges of the bars over all values; an axis of values of one sign begins or ends at 0."""
    low, high = float(values.min()), float(values.max())
    if high - low <= NARROW * max(abs(low), abs(high)):
        room = max(abs(low), 1.0) / 2
        return np.linspace(low - room, high + room, CELLS + 2)
    if 0 < low <= 0.5 * high:
        low = 0.0
    elif 0.5 * low <= high < 0:
        high = 0.0
    return np.linspace(low, high, CELLS + 1)


def _scale_counts(ax: Axes, most: int) -> None:
    ax.set_yscale("log")
    ax.set_ylim(0.7, most * 1.6)
    ax.yaxis.set_major_locator(LogLocator(numticks=6))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(FuncFormatter(format_number))


def draw_dots(names: Sequence[str], series: Sequence[Dots], *, label: str) -> bytes:
    """Draw values of several runs as dots, one row for each run.

    Parameters
    ----------
    names : sequence of str
        Of the runs, from top to bottom.
    series : sequence of Dots
        At most four, with a colour and a mark each.
    label : str
        Of the axis, with its unit.
    """
    height = 1.0 + (0.26 + 0.06 * len(series)) * len(names)
    known = [value for each in series for value in each.values if value is not None]
    with style.context(STYLE):
        figure = Figure(figsize=(7.5, height), dpi=DPI)
        FigureCanvasAgg(figure)
        figure.subplots_adjust(left=0.28, right=0.97, top=1 - 0.36 / height, bottom=0.5 / height)
        ax = figure.add_subplot()
        rows = np.arange(len(names))
        for i, (each, (colour, mark)) in enumerate(zip(series, MARKS, strict=False)):
            x = [np.nan if value is None else value for value in each.values]
            # Marks of one row lie beside each other, so that equal values can be seen.
            y = rows + 0.24 * (i - (len(series) - 1) / 2)
            name = wrap_label(each.label, width=26, lines=1)
            ax.plot(x, y, mark, color=colour, ms=5.5, label=name, clip_on=False)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_yticks(rows, [wrap_label(name, width=24, lines=1) for name in names])
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", color="#e4e7eb", lw=0.6)
        ax.set_axisbelow(True)
        low, high = min([0.0, *known]), max([0.0, *known]) or 1.0
        ax.set_xlim(low - 0.02 * (high - low) * (low < 0), high + 0.03 * (high - low))
        if low < 0:
            ax.axvline(0, color=GREY, lw=0.8)
        ax.xaxis.set_major_locator(MaxNLocator(6))
        ax.xaxis.set_major_formatter(FuncFormatter(format_number))
        ax.set_xlabel(label)
        if len(series) > 1:
            figure.legend(
                loc="upper left", bbox_to_anchor=(0.27, 1), ncols=len(series), frameon=False
            )
        return encode_figure(figure, dpi=DPI)
