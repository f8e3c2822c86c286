"""Draw the picture of the README: SpliceAI's four tracks over genes of both strands.

Usage: python -m config.human.picture --tracks results/human/bigwig --data data/human --out OUT.png

Run it after `make demo-human`. Reads the tracks that the run wrote, and the exons of the table that
fetch.py downloaded.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from config.human.sites import CONTIG, TABLE, Gene, read_genes
from genometracks.bigwig.reader import BigWigReader
from genometracks.errors import UserError
from genometracks.evaluation.figure_style import (
    DPI,
    GREY,
    INK,
    STYLE,
    format_number,
    save_figure,
)

LOCUS = (44_517_000, 44_541_500)
PLUS, MINUS = "#1b4f8a", "#b3470f"
TRACKS = {
    "acceptor+": ("acceptors, plus strand", PLUS),
    "donor+": ("donors, plus strand", PLUS),
    "acceptor-": ("acceptors, minus strand", MINUS),
    "donor-": ("donors, minus strand", MINUS),
}
LEAST = 0.02
"""Smaller values would be invisible, and are not drawn."""


def draw(tracks: Path, genes: Sequence[Gene], out: Path) -> None:
    """Draw the four tracks over the locus, one panel each, and the genes beneath.

    Parameters
    ----------
    tracks : Path
        Folder of the run's bigWig files.
    genes : sequence of Gene
        Those outside of the locus are left out.
    out : Path
        The PNG file; written whole or not at all.
    """
    with style.context(STYLE):
        figure = Figure(figsize=(10, 4.6), dpi=DPI)
        FigureCanvasAgg(figure)
        axes = figure.subplots(5, 1, sharex=True, height_ratios=[1, 1, 1, 1, 1.1])
        figure.subplots_adjust(left=0.045, right=0.985, top=0.945, bottom=0.105, hspace=0.42)
        for ax, (track, (label, colour)) in zip(axes, TRACKS.items(), strict=False):
            _draw_track(ax, _read_values(tracks / f"{track}.bw"), colour)
            ax.set_title(f"predicted {label}", loc="left", fontsize=9, pad=3)
        axes[-1].set_title("annotated exons", loc="left", fontsize=9, pad=3)
        _draw_genes(axes[-1], [gene for gene in genes if _overlaps(gene)])
        save_figure(figure, out)


def _read_values(path: Path) -> npt.NDArray[np.float64]:
    with BigWigReader(path) as reader:
        return reader.bin_means(CONTIG, 1, *LOCUS)


def _draw_track(ax: Axes, values: npt.NDArray[np.float64], colour: str) -> None:
    high = np.flatnonzero(np.nan_to_num(values) >= LEAST)
    ax.vlines(LOCUS[0] + high + 0.5, 0, values[high], color=colour, linewidth=1.1)
    ax.set_ylim(0, 1.02)
    ax.set_yticks([0, 1])
    ax.tick_params(axis="x", bottom=False)


def _overlaps(gene: Gene) -> bool:
    return gene.start < LOCUS[1] and gene.end > LOCUS[0]


def _draw_genes(ax: Axes, genes: Sequence[Gene]) -> None:
    for gene in genes:
        level, colour = (1, PLUS) if gene.strand == "+" else (0, MINUS)
        ax.plot([gene.start, gene.end], [level, level], color=colour, linewidth=0.8)
        for start, end in gene.exons:
            ax.fill_between([start, end], level - 0.22, level + 0.22, color=colour, linewidth=0)
        arrow = ">" if gene.strand == "+" else "<"
        for (_, end), (start, _) in itertools.pairwise(gene.exons):
            if start - end > 300:
                ax.plot((start + end) / 2, level, arrow, color=colour, markersize=3.5)
        ax.text(
            (gene.start + gene.end) / 2,
            level + 0.36,
            gene.name,
            color=INK,
            fontsize=8,
            style="italic",
            ha="center",
        )
    ax.set_ylim(-0.4, 1.75)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlim(*LOCUS)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda at, _: format_number(at / 1000)))
    ax.tick_params(axis="x", bottom=True, color=GREY)
    ax.set_xlabel("position in chromosome 20, GRCh37 (kb)")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=Path, required=True, help="folder of the bigWig files")
    parser.add_argument("--data", type=Path, required=True, help="folder of grch37.txt")
    parser.add_argument("--out", type=Path, required=True, help="the PNG file")
    options = parser.parse_args(arguments)
    try:
        draw(options.tracks, read_genes(options.data / TABLE, CONTIG), options.out)
    except (UserError, OSError) as error:
        print(f"picture.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
