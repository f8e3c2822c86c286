"""The figure of a locus: predicted and observed tracks one below the other, as in a genome browser.

Takes arrays, writes a PNG file; reads no track itself.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from genometracks.common.sealing import Seal, write_sealed
from genometracks.evaluation.correlate import correlate
from genometracks.evaluation.figure_style import (
    DPI,
    GREY,
    STYLE,
    encode_figure,
    format_correlation,
    format_number,
    wrap_label,
)
from genometracks.evaluation.locus import Locus

__all__ = ["Curve", "draw_locus", "encode_locus"]

# (predicted, observed) of one pair: a dark and a light tone of one hue, distinct in grey too.
PAIR_COLOURS = (
    ("#1b4f8a", "#7fb0dc"),
    ("#b3470f", "#f2a66b"),
    ("#1d6b4f", "#7cc4a4"),
    ("#5d3a8e", "#b39bd6"),
)


@dataclass(frozen=True, eq=False)
class Curve:
    """One panel of a locus.

    Attributes
    ----------
    label : str
    starts : int64 array (n,)
        Starts of the bins in bp, 0-based, ascending.
    step : int
        Width of a bin in bp.
    values : array (n,)
    pair : str, optional
        Neighbouring curves of the same pair share their scale and hue; the first is drawn dark
        (predicted), the others light (observed).
    reach : float, optional
        A value that the scale contains even if no bin of the locus has it. Default is None.
    """

    label: str
    starts: npt.NDArray[np.int64]
    step: int
    values: npt.NDArray[Any]
    pair: str | None = None
    reach: float | None = None


def draw_locus(path: Path, locus: Locus, *, tracks: Sequence[Curve]) -> Seal:
    """Draw tracks over a locus as a PNG of 150 dpi, as `encode_locus`; return its seal."""
    with write_sealed(path) as file:
        file.write(encode_locus(locus, tracks=tracks))
    return file.sealed


def encode_locus(locus: Locus, *, tracks: Sequence[Curve], dpi: int = DPI) -> bytes:
    """Draw tracks over a locus, one panel each, 10 inches across; return a PNG file's content.

    Parameters
    ----------
    locus : Locus
        Bins outside of it are cut away; the title marks a held-out one.
    tracks : sequence of Curve
        The panels from top to bottom. The later panels of a pair show Pearson's r with its first,
        over the bins of the locus that both have.
    """
    groups = _group(tracks, locus)
    panels = sum(len(curves) for curves in groups)
    with style.context(STYLE):
        figure = Figure(figsize=(10, 1.2 + 1.4 * panels), dpi=DPI)
        FigureCanvasAgg(figure)
        # Distances in inches, so that any number of panels has the same margins.
        height = figure.get_figheight()
        axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
        figure.subplots_adjust(
            left=0.07, right=0.97, top=1 - 0.68 / height, bottom=0.54 / height, hspace=0.34
        )
        rest = iter(axes)
        for curves, colours in zip(groups, itertools.cycle(PAIR_COLOURS), strict=False):
            _draw_group(list(itertools.islice(rest, len(curves))), curves, colours)
        _mark_positions(axes[-1], locus)
        _write_title(figure, locus, level=1 - 0.22 / height)
        return encode_figure(figure, dpi=dpi)


def _group(tracks: Iterable[Curve], locus: Locus) -> list[list[Curve]]:
    """Cut the curves to the locus and group neighbours of one pair."""
    cut = []
    for curve in tracks:
        starts, values = np.asarray(curve.starts), np.asarray(curve.values, np.float64)
        inside = (starts < locus.end) & (starts + curve.step > locus.start) & np.isfinite(values)
        cut.append(replace(curve, starts=starts[inside], values=values[inside]))
    return [list(group) for _, group in itertools.groupby(cut, key=lambda curve: curve.pair)]


def _draw_group(axes: Sequence[Axes], curves: Sequence[Curve], colours: tuple[str, str]) -> None:
    reached = [curve.reach for curve in curves if curve.reach is not None]
    values = np.concatenate([*[curve.values for curve in curves], reached])
    (bottom, top), signed = _limits(values), bool((values < 0).any())
    for number, (ax, curve) in enumerate(zip(axes, curves, strict=True)):
        edges, heights = _outline(curve)
        base = min(0.0, top) if signed else bottom  # signed values rise and fall from 0
        ax.fill_between(edges, heights, base, color=colours[number > 0], linewidth=0)
        if signed:
            ax.axhline(base, color=GREY, lw=0.5, zorder=3)
        ax.set_ylim(bottom, top)
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.yaxis.set_major_formatter(FuncFormatter(format_number))
        ax.tick_params(axis="x", bottom=False)
        ax.set_title(wrap_label(curve.label, width=95, lines=1), loc="left", fontsize=9, pad=4)
        if number > 0:
            r = format_correlation(_correlate(curves[0], curve), digits=2)
            ax.set_title(f"r = {r} over this locus", loc="right", fontsize=9, pad=4)


def _limits(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Bottom and top of a panel: from zero, unless that would leave most of it empty."""
    if len(values) == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.04 * (high - low) or 0.5
    return (0.0 if 0 <= low <= 0.5 * high else low - room), high + room


def _outline(curve: Curve) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Corners of the bins' tops; a NaN separates bins that do not touch, so gaps stay blank."""
    ends = curve.starts + curve.step
    edges = np.stack([curve.starts, ends, ends], axis=1).ravel().astype(np.float64)
    heights = np.stack([curve.values, curve.values, np.full(len(ends), np.nan)], axis=1).ravel()
    gaps = np.append(curve.starts[1:] != ends[:-1], True)[: len(ends)]
    kept = np.stack([np.full(len(ends), True)] * 2 + [gaps], axis=1).ravel()
    return edges[kept], heights[kept]


def _correlate(one: Curve, other: Curve) -> float:
    """Pearson's r over the bins that both curves have."""
    _, in_one, in_other = np.intersect1d(one.starts, other.starts, return_indices=True)
    return correlate(one.values[in_one], other.values[in_other])[0]


def _mark_positions(ax: Axes, locus: Locus) -> None:
    width = locus.end - locus.start
    unit, name = (1_000_000, "Mb") if width >= 2_000_000 else (1_000, "kb")
    if width < 2_000:
        unit, name = 1, "bp"
    ax.set_xlim(locus.start, locus.end)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda at, _: format_number(at / unit)))
    ax.tick_params(axis="x", bottom=True)
    ax.set_xlabel(f"position in {locus.contig} ({name})")


def _write_title(figure: Figure, locus: Locus, *, level: float) -> None:
    title = f"{locus.contig}:{locus.start:,}\N{EN DASH}{locus.end:,}"
    figure.text(0.07, level, title, fontsize=12, fontweight="bold", va="center")
    if locus.held_out:
        figure.text(
            0.966,
            level,
            "held-out",
            fontsize=9,
            color="white",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": GREY, "linewidth": 0},
            ha="right",
            va="center",
        )
