"""The contigs of a run: what is predicted of each, and the means of some tracks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genometracks.bigwig.overview import read_overview
from genometracks.config.folders import RunFolder
from genometracks.plan.plan import Plan
from genometracks.plan.segments import count_bins
from genometracks.report.values import mean_by_contig

__all__ = ["FIRST", "ContigRow", "describe_contigs", "list_contigs"]

FIRST = 40
"""Contigs that are shown at once, the longest; the others are folded away."""
MOST = 2_000
"""Contigs that are listed at all."""


@dataclass(frozen=True)
class ContigRow:
    """A contig.

    Attributes
    ----------
    contig : str
    length : int
        In bp.
    bins : int
        Bins that are predicted.
    absent : float
        Share of the contig's bins that are not: of N, blacklisted, or outside of the regions.
    means : list of float or None
        Of the shown tracks; None where no base is covered.
    """

    contig: str
    length: int
    bins: int
    absent: float
    means: list[float | None]


def list_contigs(plan: Plan, folder: RunFolder, rows: Sequence[int]) -> list[ContigRow]:
    """List the contigs, the longest first, with the means of the tracks at `rows`."""
    views = [
        read_overview(folder.bigwig / f"{plan.tracks[row].track}.bw", enough=1) for row in rows
    ]
    means = [mean_by_contig(view) for view in views]
    found = []
    for contig, length in sorted(plan.lengths.items(), key=lambda item: -item[1])[:MOST]:
        runs = plan.segments.get(contig)
        bins = 0 if runs is None else int(np.diff(runs).sum())
        possible = count_bins(length, plan.geometry.bin)
        absent = 1 - bins / possible if possible else 0.0
        values = [mean.get(contig) for mean in means]
        found.append(ContigRow(contig, length, bins, absent, values))
    return found


def describe_contigs(plan: Plan, *, shown: int) -> str:
    """Explain the columns of the table."""
    text = (
        "Absent: share of a contig's bins that have no value, because they are N, blacklisted or "
        "outside of the regions."
    )
    if shown:
        some = f"{shown} of " if shown < len(plan.tracks) else ""
        which = f"the {len(plan.tracks):,} tracks" if some else "the tracks"
        text += f" Means of {some}{which} are over the covered bases."
    if len(plan.lengths) > MOST:
        text += f" The {MOST:,} longest of {len(plan.lengths):,} contigs are listed."
    return text
