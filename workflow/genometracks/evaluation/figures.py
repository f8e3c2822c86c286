"""The two figures of an evaluation: a locus drawn as a genome browser does, and a density scatter.

Takes arrays, writes PNG files; reads no track itself. The same input gives the same bytes: the
user's matplotlib settings are not read, and no date goes into a file.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from genometracks.common.atomic import write_atomically
from genometracks.evaluation.evaluate import correlate
from genometracks.evaluation.regions import choose_locus

__all__ = ["Curve", "choose_locus", "draw_locus", "draw_scatter"]

DPI = 150
INK, GREY = "#1f2933", "#7b8794"
# (predicted, observed) of one pair: a dark and a light tone of one hue, told apart in grey too.
PAIR_COLOURS = (
    ("#1b4f8a", "#7fb0dc"),
    ("#b3470f", "#f2a66b"),
    ("#1d6b4f", "#7cc4a4"),
    ("#5d3a8e", "#b39bd6"),
)
DENSITY = LinearSegmentedColormap.from_list(
    "density", ["#dbe9f6", "#8fbfe0", "#3b82c0", "#1b4f8a", "#0d1f3c"]
)
HOUSE_STYLE = [
    "default",
    {
        "font.size": 9,
        "text.color": INK,
        "text.parse_math": False,  # a dollar sign in a track's name is a dollar sign
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
    },
]


class Curve(NamedTuple):
    """One panel of a locus.

    ``starts`` are the bins' starts in bp (0-based, ascending), ``step`` their width, ``values``
    one number per bin. Neighbouring curves with the same ``pair`` share their scale and hue; the
    first is drawn dark (predicted), the others light (observed).
    """

    label: str
    starts: np.ndarray
    step: int
    values: np.ndarray
    pair: str | None = None


def draw_locus(
    path: str | Path,
    *,
    contig: str,
    start: int,
    end: int,
    tracks: Sequence[Curve | tuple],
    held_out: bool = False,
) -> None:
    """Draw tracks over a locus, one panel each, as a PNG of 150 dpi and 10 inches across.

    Parameters
    ----------
    path
        The PNG file; written whole or not at all.
    contig, start, end
        The locus, 0-based, half-open. Bins outside of it are cut away.
    tracks
        The panels from above to below, as ``Curve`` or plain tuples (label, starts, step, values).
        The later panels of a pair carry Pearson's r with its first, over the bins of the locus
        that both have.
    held_out
        Whether the model was trained without this locus: the title says so.
    """
    groups = _group(tracks, start=start, end=end)
    panels = sum(len(curves) for curves in groups)
    with style.context(HOUSE_STYLE):
        figure = Figure(figsize=(10, 1.2 + 1.4 * panels), dpi=DPI)
        FigureCanvasAgg(figure)
        # Distances in level, so that any number of panels has the same margins.
        height = figure.get_figheight()
        axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
        figure.subplots_adjust(
            left=0.07, right=0.97, top=1 - 0.68 / height, bottom=0.54 / height, hspace=0.34
        )
        colours = itertools.cycle(PAIR_COLOURS)
        rest = iter(axes)
        for curves, (dark, light) in zip(groups, colours, strict=False):
            _draw_group(list(itertools.islice(rest, len(curves))), curves, (dark, light))
        _mark_positions(axes[-1], contig, start, end)
        title = f"{contig}:{start:,}\N{EN DASH}{end:,}"
        level = 1 - 0.22 / height
        figure.text(0.07, level, title, fontsize=12, fontweight="bold", va="center")
        if held_out:
            badge = {"boxstyle": "round,pad=0.35", "facecolor": GREY, "linewidth": 0}
            right = {"ha": "right", "va": "center"}
            figure.text(0.966, level, "held-out", fontsize=9, color="white", bbox=badge, **right)
        _save(figure, path)


def _group(tracks: Iterable[Curve | tuple], *, start: int, end: int) -> list[list[Curve]]:
    """Cut the curves to the locus and put neighbours of one pair together."""
    cut = []
    for curve in (Curve(*track) for track in tracks):
        starts, values = np.asarray(curve.starts), np.asarray(curve.values, np.float64)
        inside = (starts < end) & (starts + curve.step > start) & np.isfinite(values)
        cut.append(curve._replace(starts=starts[inside], values=values[inside]))
    return [list(group) for _, group in itertools.groupby(cut, key=lambda curve: curve.pair)]


def _draw_group(axes: Sequence[Axes], curves: Sequence[Curve], colours: tuple[str, str]) -> None:
    bottom, top = _limits(np.concatenate([curve.values for curve in curves]))
    for number, (ax, curve) in enumerate(zip(axes, curves, strict=True)):
        edges, heights = _outline(curve)
        ax.fill_between(edges, heights, bottom, color=colours[number > 0], linewidth=0)
        ax.set_ylim(bottom, top)
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.yaxis.set_major_formatter(FuncFormatter(_number))
        ax.tick_params(axis="x", bottom=False)
        ax.set_title(_wrap(curve.label, width=95, lines=1), loc="left", fontsize=9, pad=4)
        if number > 0:
            r = _number_or_word(_correlation(curves[0], curve), digits=2)
            ax.set_title(f"r = {r} over this locus", loc="right", fontsize=9, pad=4)


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Bottom and top of a panel: from zero, unless that would leave most of it empty."""
    if len(values) == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.04 * (high - low) or 0.5
    return (0.0 if 0 <= low <= 0.5 * high else low - room), high + room


def _outline(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the bins' tops; a NaN parts bins that do not touch, so gaps stay blank."""
    ends = curve.starts + curve.step
    edges = np.stack([curve.starts, ends, ends], axis=1).ravel().astype(np.float64)
    heights = np.stack([curve.values, curve.values, np.full(len(ends), np.nan)], axis=1).ravel()
    gaps = np.append(curve.starts[1:] != ends[:-1], True)[: len(ends)]
    kept = np.stack([np.full(len(ends), True)] * 2 + [gaps], axis=1).ravel()
    return edges[kept], heights[kept]


def _correlation(one: Curve, other: Curve) -> float:
    _, in_one, in_other = np.intersect1d(one.starts, other.starts, return_indices=True)
    return correlate(one.values[in_one], other.values[in_other])[0]


def _mark_positions(ax: Axes, contig: str, start: int, end: int) -> None:
    unit, name = (1_000_000, "Mb") if end - start >= 2_000_000 else (1_000, "kb")
    if end - start < 2_000:
        unit, name = 1, "bp"
    ax.set_xlim(start, end)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _number(at / unit)))
    ax.tick_params(axis="x", bottom=True)
    ax.set_xlabel(f"position in {contig} ({name})")


def _number(value: float, _position: int | None = None) -> str:
    return f"{round(value, 6):,.10g}".replace("-", "\N{MINUS SIGN}")


def _number_or_word(r: float, *, digits: int) -> str:
    return "undefined" if np.isnan(r) else f"{r:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def draw_scatter(
    path: str | Path,
    *,
    predicted: np.ndarray,
    observed: np.ndarray,
    label: str,
    pearson: float,
    spearman: float,
) -> None:
    """Draw predicted against observed values as a density, a PNG of 150 dpi.

    Parameters
    ----------
    path
        The PNG file; written whole or not at all.
    predicted, observed
        One value per bin, equally long; pairs with a NaN are left out. Both axes have the same
        limits, which leave out at most 0.1 % of either side's values at each end; the figure
        says how many bins lie outside.
    label
        The title.
    pearson, spearman
        Correlations to print; those of ``evaluate``.
    """
    predicted, observed = np.asarray(predicted), np.asarray(observed)
    kept = np.isfinite(predicted) & np.isfinite(observed)
    predicted, observed = predicted[kept], observed[kept]
    low, high = _shared_range(predicted, observed)
    counts = _count(observed, predicted, np.linspace(low, high, 101))
    with style.context(HOUSE_STYLE):
        figure = Figure(figsize=(6.2, 5.2), dpi=DPI)
        FigureCanvasAgg(figure)
        # Four inches are 600 pixels: every one of the 100 cells is 6 pixels wide.
        ax = figure.add_axes((0.85 / 6.2, 0.65 / 5.2, 4 / 6.2, 4 / 5.2))
        ax.plot([low, high], [low, high], color=INK, lw=0.8, ls=(0, (4, 3)), zorder=3)
        drawn = ax.imshow(
            np.ma.masked_equal(counts.T, 0),
            extent=(low, high, low, high),
            origin="lower",
            interpolation="nearest",
            cmap=DENSITY,
            norm=LogNorm(1, max(2, counts.max())),
        )
        ax.set(xlabel="observed", ylabel="predicted", aspect="equal")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(5))
            axis.set_major_formatter(FuncFormatter(_number))
        title = _wrap(label, width=56, lines=2)
        ax.set_title(title, loc="left", fontsize=10, fontweight="bold", pad=8)
        outside = len(predicted) - int(counts.sum())
        lines = [
            f"Pearson {_number_or_word(pearson, digits=3)}",
            f"Spearman {_number_or_word(spearman, digits=3)}",
            f"{len(predicted):,} bins" + (f", {outside:,} outside the axes" if outside else ""),
        ]
        behind = {"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 2}
        place = {"transform": ax.transAxes, "va": "top", "linespacing": 1.4, "bbox": behind}
        ax.text(0.03, 0.97, "\n".join(lines), **place)
        bar_axes = figure.add_axes((5.05 / 6.2, 0.65 / 5.2, 0.16 / 6.2, 4 / 5.2))
        bar = figure.colorbar(drawn, cax=bar_axes, format=FuncFormatter(_number))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.set_label("bins per cell")
        bar.outline.set_visible(False)
        _save(figure, path)


def _shared_range(*sides: np.ndarray) -> tuple[float, float]:
    if any(len(side) == 0 for side in sides):
        return 0.0, 1.0
    ends = [np.quantile(side, (0.001, 0.999)) for side in sides]
    low, high = float(min(e[0] for e in ends)), float(max(e[1] for e in ends))
    room = 0.03 * (high - low) or 0.5
    return low - room, high + room


def _count(x: np.ndarray, y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """A 2-D histogram, a million points at a time: numpy's own copies all of them, twice."""
    counts = np.zeros((len(edges) - 1,) * 2)
    for first in range(0, len(x), 1_000_000):
        part = slice(first, first + 1_000_000)
        counts += np.histogram2d(x[part], y[part], bins=(edges, edges))[0]
    return counts


def _wrap(text: str, *, width: int, lines: int) -> str:
    pieces = textwrap.wrap(text, width, break_on_hyphens=False)
    if len(pieces) > lines:
        pieces[lines - 1 :] = [pieces[lines - 1][: width - 1] + "\N{HORIZONTAL ELLIPSIS}"]
    return "\n".join(pieces)


def _save(figure: Figure, path: str | Path) -> None:
    with write_atomically(path) as file:
        # Left to itself, matplotlib writes its version into the file.
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
