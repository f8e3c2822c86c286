"""The values of a run's tracks: exact statistics of all tracks, and samples of some.

Statistics are those in the headers of the bigWigs. Samples are stretches of bins, evenly spread
over what was predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.overview import Overview, read_overview
from genometracks.bigwig.reader import BigWigReader
from genometracks.config.folders import RunFolder
from genometracks.plan.plan import Plan

__all__ = [
    "Sample",
    "TrackValues",
    "choose_shown",
    "mean_by_contig",
    "read_sample",
    "read_track_values",
]

SHOWN = 12
"""Largest number of tracks whose distribution is drawn."""
STRETCHES, STRETCH = 64, 8_192
"""Stretches of a sample, and bins in each: half a million bins; a smaller run is read whole."""


@dataclass(frozen=True)
class TrackValues:
    """Statistics of a track over its covered bases.

    Attributes
    ----------
    track, name : str
        File stem, and name in the model.
    description : str
    covered : float
        Share of the genome's bases that have a value.
    mean, sd, min, max : float or None
        None if no base is covered.
    seam : float or None
        Difference of neighbouring windows as a part of the mean |value|; None if not measured.
    """

    track: str
    name: str
    description: str
    covered: float
    mean: float | None
    sd: float | None
    min: float | None
    max: float | None
    seam: float | None


@dataclass(frozen=True, eq=False)
class Sample:
    """Values of a track, of `bins` bins in all: the whole track if they are equally many."""

    values: npt.NDArray[np.float64]
    bins: int

    @property
    def whole(self) -> bool:
        """Whether every bin was read."""
        return len(self.values) == self.bins


def read_track_values(
    plan: Plan, folder: RunFolder, *, seams: Sequence[float] | None
) -> list[TrackValues]:
    """Read the statistics of every track from its bigWig; no values are read.

    Parameters
    ----------
    plan : Plan
    folder : RunFolder
    seams : sequence of float or None
        For each track, from `export.summary.list_seams`.

    Raises
    ------
    UserError
        If a bigWig is missing or damaged.
    """
    bases = sum(plan.lengths.values())
    found = []
    for row, track in enumerate(plan.tracks):
        view = read_overview(folder.bigwig / f"{track.track}.bw", enough=1)
        known = view.covered > 0
        found.append(
            TrackValues(
                track=track.track,
                name=track.name,
                description=track.description,
                covered=view.covered / bases if bases else 0.0,
                mean=view.mean if known else None,
                sd=view.sd if known else None,
                min=view.min if known else None,
                max=view.max if known else None,
                seam=seams[row] if seams else None,
            )
        )
    return found


def choose_shown(tracks: Sequence[TrackValues]) -> list[int]:
    """Choose the rows of the tracks that are drawn: all, or those of the largest deviation."""
    if len(tracks) <= SHOWN:
        return list(range(len(tracks)))
    order = sorted(range(len(tracks)), key=lambda row: -(tracks[row].sd or 0.0))
    return sorted(order[:SHOWN])


def read_sample(plan: Plan, folder: RunFolder, row: int) -> Sample:
    """Read a sample of a track's values: all of them, or stretches of the predicted bins.

    Parameters
    ----------
    plan : Plan
    folder : RunFolder
    row : int
        Number of the track.
    """
    step, span, total = plan.geometry.bin, plan.geometry.span, plan.bins
    parts = [np.empty(0)]
    with BigWigReader(folder.bigwig / f"{plan.tracks[row].track}.bw") as reader:
        for contig, first, last in _spread(plan, total):
            parts.append(reader.bin_means(contig, step, first, last, span=span))
    values = np.concatenate(parts)
    return Sample(values[np.isfinite(values)], total)


def _spread(plan: Plan, total: int) -> list[tuple[str, int, int]]:
    """Runs of bins (contig, first, last): all that are predicted, or evenly spread stretches."""
    runs = [
        (contig, first, last)
        for contig, rows in plan.segments.items()
        for first, last in rows.tolist()
    ]
    if total <= STRETCHES * STRETCH:
        return runs
    # Stretches begin at evenly spaced numbers of the predicted bins, and end with their run.
    ends = np.cumsum([last - first for _, first, last in runs])
    chosen = []
    for i in range(STRETCHES):
        number = i * (total - STRETCH) // (STRETCHES - 1)
        at = int(np.searchsorted(ends, number, side="right"))
        contig, _, last = runs[at]
        first = last - (int(ends[at]) - number)
        chosen.append((contig, first, min(first + STRETCH, last)))
    return chosen


def mean_by_contig(view: Overview) -> dict[str, float]:
    """Mean over the covered bases of each contig, from the zoom levels of a bigWig.

    A contig without a value is left out. Sums of the zoom levels have seven digits.
    """
    records, names = view.records, list(view.contigs)
    if not len(records):
        return {}
    valid = np.bincount(records["contig"], records["valid"], len(names))
    total = np.bincount(records["contig"], records["sum"].astype(np.float64), len(names))
    return {name: float(total[i] / valid[i]) for i, name in enumerate(names) if valid[i] > 0}
