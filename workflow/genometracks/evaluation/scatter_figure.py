"""The figure of two tracks against each other: a scatter of all bins, drawn as a density.

Takes arrays, writes a PNG file; reads no track itself.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from genometracks.common.sealing import Seal
from genometracks.evaluation.figure_style import (
    DPI,
    INK,
    STYLE,
    format_correlation,
    format_number,
    save_figure,
    wrap_label,
)

__all__ = ["draw_scatter"]

DENSITY = LinearSegmentedColormap.from_list(
    "density", ["#dbe9f6", "#8fbfe0", "#3b82c0", "#1b4f8a", "#0d1f3c"]
)
CELLS = 100
"""Cells of the density along each axis."""
WIDTH, HEIGHT = 6.2, 5.2
"""Inches."""


def draw_scatter(
    path: Path,
    *,
    predicted: npt.ArrayLike,
    observed: npt.ArrayLike,
    label: str,
    pearson: float,
    spearman: float,
) -> Seal:
    """Draw predicted against observed values as a density, a PNG of 150 dpi.

    Parameters
    ----------
    path : Path
        The PNG file; written whole or not at all. Its seal is returned.
    predicted, observed : array (n,)
        One value a bin; pairs with a NaN are left out. Both axes have the same limits, which leave
        out at most 0.1 % of either side's values at each end; the figure says how many bins are
        outside.
    label : str
        The title.
    pearson, spearman : float
        Correlations to print.
    """
    x, y = np.asarray(observed), np.asarray(predicted)
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept], y[kept]
    low, high = _shared_range(y, x)
    counts = _count(x, y, np.linspace(low, high, CELLS + 1))
    outside = len(x) - int(counts.sum())
    lines = [
        f"Pearson {format_correlation(pearson, digits=3)}",
        f"Spearman {format_correlation(spearman, digits=3)}",
        f"{len(x):,} bins" + (f", {outside:,} outside the axes" if outside else ""),
    ]
    with style.context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI)
        FigureCanvasAgg(figure)
        # Four inches are 600 pixels: each of the 100 cells is 6 pixels wide.
        ax = figure.add_axes((0.85 / WIDTH, 0.65 / HEIGHT, 4 / WIDTH, 4 / HEIGHT))
        drawn = _draw_density(ax, counts, low=low, high=high)
        title = wrap_label(label, width=56, lines=2)
        ax.set_title(title, loc="left", fontsize=10, fontweight="bold", pad=8)
        _write_lines(ax, lines)
        _draw_bar(figure, drawn)
        return save_figure(figure, path)


def _draw_density(
    ax: Axes, counts: npt.NDArray[np.float64], *, low: float, high: float
) -> AxesImage:
    """Draw the cells and the diagonal."""
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
        axis.set_major_formatter(FuncFormatter(format_number))
    return drawn


def _write_lines(ax: Axes, lines: list[str]) -> None:
    ax.text(
        0.03,
        0.97,
        "\n".join(lines),
        transform=ax.transAxes,
        va="top",
        linespacing=1.4,
        bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 2},
    )


def _draw_bar(figure: Figure, drawn: AxesImage) -> None:
    """Draw the scale of the density."""
    bar_axes = figure.add_axes((5.05 / WIDTH, 0.65 / HEIGHT, 0.16 / WIDTH, 4 / HEIGHT))
    bar = figure.colorbar(drawn, cax=bar_axes, format=FuncFormatter(format_number))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.set_label("bins per cell")
    bar.outline.set_visible(False)


def _shared_range(*sides: npt.NDArray[Any]) -> tuple[float, float]:
    if any(len(side) == 0 for side in sides):
        return 0.0, 1.0
    ends = [np.quantile(side, (0.001, 0.999)) for side in sides]
    low, high = float(min(e[0] for e in ends)), float(max(e[1] for e in ends))
    room = 0.03 * (high - low) or 0.5
    return low - room, high + room


def _count(
    x: npt.NDArray[Any], y: npt.NDArray[Any], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """A 2-D histogram, a million points at a time: NumPy's own copies all of them twice."""
    counts = np.zeros((len(edges) - 1,) * 2)
    for first in range(0, len(x), 1_000_000):
        part = slice(first, first + 1_000_000)
        counts += np.histogram2d(x[part], y[part], bins=(edges, edges))[0]
    return counts
