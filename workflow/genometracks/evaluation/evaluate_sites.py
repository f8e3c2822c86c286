"""Evaluation of tracks on annotated sites: top-k accuracy and average precision, with a control.

Reads a track twice: first the values of the bins with a site, then how many bins have at least each
of these values. Holds no more of a track than that.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from genometracks.common.intervals import Intervals
from genometracks.config.sections import HeldOut, Sites
from genometracks.evaluation.observed import Piece
from genometracks.evaluation.ranking import Curve, Ranking, Tally, Values, rank_sites
from genometracks.evaluation.site_bins import Grid, SiteBins, find_site_bins, list_keys
from genometracks.evaluation.sites import site_label
from genometracks.evaluation.table import ALL_CONTIGS, BinsIn, SiteScore
from genometracks.plan.segments import own_bins

__all__ = ["SiteCurves", "evaluate_sites"]

NOTHING = np.empty(0, np.float32)


@dataclass(frozen=True, eq=False)
class SiteCurves:
    """What the figure of an entry shows: a row of the table, and its curves.

    Attributes
    ----------
    row : SiteScore
        Over all contigs: of held-out bins if there are any.
    sites, shifted : Curve
        Of the sites and of the control.
    """

    row: SiteScore
    sites: Curve
    shifted: Curve


@dataclass(eq=False)
class Part:
    """The bins of one row, while the track is read.

    Attributes
    ----------
    contig, bins_in : str
    sites, left_out : int
        As in `SiteBins`.
    labels, shifted : list of arrays
        Values of the bins with a site, and with one of the control.
    tally : Tally
        Of all bins; made when the values above are known.
    """

    contig: str
    bins_in: BinsIn
    sites: int = 0
    left_out: int = 0
    labels: list[Values] = field(default_factory=list)
    shifted: list[Values] = field(default_factory=list)
    tally: Tally = field(default_factory=lambda: Tally(NOTHING))

    def begin_tally(self) -> None:
        """Count from now on how many values reach those of the bins with a site."""
        self.tally = Tally(np.unique(np.concatenate([NOTHING, *self.labels, *self.shifted])))


def evaluate_sites(
    predictions: Callable[[str], Iterable[Piece]],
    entries: Sequence[Sites],
    *,
    tracks: Sequence[str],
    grid: Grid,
    held_out: Sequence[HeldOut] = (),
) -> tuple[list[SiteScore], list[SiteCurves]]:
    """Evaluate every entry of `evaluation.sites`.

    Parameters
    ----------
    predictions : callable
        Name of a track -> its pieces (contig, first bin, float32 values), contig by contig; called
        twice for each entry. Together, they are the bins of the grid.
    entries : sequence of Sites
    tracks : sequence of str
        Names of the tracks that the run predicts.
    grid : Grid
    held_out : sequence of HeldOut
        Intervals that the model was not trained on. Default is none.

    Returns
    -------
    rows : list of SiteScore
        For each entry: the rows over all contigs, then those of the contigs in the order of the
        grid. A row of held-out bins exists only where there are such bins.
    curves : list of SiteCurves
        One for each entry.

    Raises
    ------
    UserError
        As `check_sites`.
    """
    rows: list[SiteScore] = []
    curves: list[SiteCurves] = []
    for entry, key in zip(entries, list_keys(entries, tracks), strict=True):
        found = find_site_bins(entry, key=key, grid=grid, held_out=held_out)
        scored = _score(predictions, entry, found)
        rows += [row for row, _, _ in scored]
        row, sites, shifted = [each for each in scored if each[0].contig == ALL_CONTIGS][-1]
        curves.append(SiteCurves(row, sites.curve, shifted.curve))
    return rows, curves


def _score(
    predictions: Callable[[str], Iterable[Piece]], entry: Sites, found: Sequence[SiteBins]
) -> list[tuple[SiteScore, Ranking, Ranking]]:
    """The rows of an entry, each with the rankings of its sites and of the control."""
    wholes: dict[str, Part] = {}
    own: dict[str, list[tuple[SiteBins, Part]]] = {}
    for bins in found:
        part = Part(bins.contig, bins.bins_in, bins.sites, bins.left_out)
        own.setdefault(bins.contig, []).append((bins, part))
        whole = wholes.setdefault(bins.bins_in, Part(ALL_CONTIGS, bins.bins_in))
        whole.sites += bins.sites
        whole.left_out += bins.left_out
    parts = [part for pairs in own.values() for _, part in pairs]
    for contig, first, values in predictions(entry.track):
        for bins, part in own[contig]:
            for name in ("labels", "shifted"):
                taken = _take(values, first, getattr(bins, name))
                if len(taken):
                    getattr(part, name).append(taken)
                    getattr(wholes[bins.bins_in], name).append(taken)
    alone = len(own) == 1  # the only contig has the same numbers as all together
    tallied = parts if alone else [*wholes.values(), *parts]
    for part in tallied:
        part.begin_tally()
    pieces = itertools.groupby(predictions(entry.track), key=lambda piece: piece[0])
    for contig, run in pieces:
        for _, first, values in run:
            for bins, part in own[contig]:
                taken = _take(values, first, bins.evaluated)
                part.tally.add(taken)
                if not alone:
                    wholes[bins.bins_in].tally.add(taken)
        for _, part in own[contig]:
            part.tally.flush()
    rows = [_make_row(entry, part) for part in tallied]
    if not alone:
        return rows
    return [
        (replace(row, contig=ALL_CONTIGS), sites, shifted) for row, sites, shifted in rows
    ] + rows


def _take(values: Values, first: int, runs: Intervals) -> Values:
    """The values of the bins first, first + 1, ... that are in ascending runs of bins."""
    inside = own_bins(runs, first, first + len(values)) - first
    if len(inside) == 1:
        return values[inside[0, 0] : inside[0, 1]]
    counts = inside[:, 1] - inside[:, 0]
    before = np.cumsum(counts) - counts
    places = np.arange(counts.sum()) + np.repeat(inside[:, 0] - before, counts)
    chosen: Values = values[places]
    return chosen


def _make_row(entry: Sites, part: Part) -> tuple[SiteScore, Ranking, Ranking]:
    sites, shifted = (
        rank_sites(np.concatenate([NOTHING, *values]), part.tally)
        for values in (part.labels, part.shifted)
    )
    row = SiteScore(
        track=entry.track,
        observed=site_label(entry),
        contig=part.contig,
        bins_in=part.bins_in,
        bins=part.tally.total,
        sites=part.sites,
        left_out=part.left_out,
        positives=sites.positives,
        top_k=sites.top_k,
        average_precision=sites.average_precision,
        shift=entry.shift,
        shifted_positives=shifted.positives,
        shifted_top_k=shifted.top_k,
        shifted_average_precision=shifted.average_precision,
    )
    return row, sites, shifted
