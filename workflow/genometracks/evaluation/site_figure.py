"""The figure of an entry of sites: precision against recall, of the sites and of the control.

Takes curves, writes a PNG file; reads no track itself.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from genometracks.common.sealing import Seal
from genometracks.evaluation.evaluate_sites import SiteCurves
from genometracks.evaluation.figure_style import (
    DPI,
    GREY,
    STYLE,
    format_correlation,
    save_figure,
    wrap_label,
)
from genometracks.evaluation.ranking import Curve
from genometracks.evaluation.table import name_shift

__all__ = ["draw_sites"]

SITES, SHIFTED = "#1b4f8a", "#f2a66b"
WIDTH, HEIGHT = 5.4, 5.2
"""Inches."""


def draw_sites(path: Path, shown: SiteCurves) -> Seal:
    """Draw the curves of an entry as a PNG of 150 dpi; return its seal.

    Parameters
    ----------
    path : Path
        The PNG file; written whole or not at all.
    shown : SiteCurves
        The legend has the row's top-k accuracy and average precision. The dotted line is the part
        of the bins that have a site: the precision of a random order.
    """
    row = shown.row
    with style.context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI)
        FigureCanvasAgg(figure)
        ax = figure.add_axes((0.85 / WIDTH, 0.65 / HEIGHT, 4.2 / WIDTH, 3.5 / HEIGHT))
        _draw_curve(ax, shown.shifted, SHIFTED)
        _draw_curve(ax, shown.sites, SITES)
        if row.bins:
            ax.axhline(row.positives / row.bins, color=GREY, lw=0.8, ls=(0, (1, 2)), zorder=1)
        ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(-0.01, 1.01))
        bins = "held-out" if row.bins_in == "held_out" else "all"
        title = f"{row.track} and {row.observed}, {bins} bins"
        _write(figure, 0.25, wrap_label(title, width=56, lines=2), fontsize=10, fontweight="bold")
        scores = (row.positives, row.top_k, row.average_precision)
        _write(figure, 0.55, _describe("sites", *scores), color=SITES)
        moved = (row.shifted_positives, row.shifted_top_k, row.shifted_average_precision)
        label = "moved by " + name_shift(row.shift).replace("-", "\N{MINUS SIGN}")
        _write(figure, 0.75, _describe(label, *moved), color="#b3470f")
        return save_figure(figure, path)


def _draw_curve(ax: Axes, curve: Curve, colour: str) -> None:
    """Draw a curve as steps: a precision holds for all of the recall that it adds."""
    if not len(curve.recall):
        return
    recall, precision = np.r_[0, curve.recall], np.r_[curve.precision[0], curve.precision]
    ax.plot(recall, precision, color=colour, lw=1.5, drawstyle="steps-pre", clip_on=False, zorder=2)


def _describe(name: str, positives: int, top_k: float, precision: float) -> str:
    numbers = [format_correlation(each, digits=3) for each in (top_k, precision)]
    return f"{name}: {positives:,} bins, top-k {numbers[0]}, average precision {numbers[1]}"


def _write(figure: Figure, below: float, text: str, **how: Any) -> None:
    """Write text `below` the figure's upper edge, in inches."""
    figure.text(0.85 / WIDTH, 1 - below / HEIGHT, text, va="center", **how)
