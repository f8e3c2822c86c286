"""Sites as runs of bins: which bins of a run are evaluated, and which of them have a site."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genometracks.common.intervals import EMPTY, Intervals, intersect
from genometracks.config.sections import HeldOut, Sites
from genometracks.errors import UserError
from genometracks.evaluation.held_out import find_held_out
from genometracks.evaluation.names import check_names
from genometracks.evaluation.sites import SiteIntervals, read_regions, read_sites, site_label
from genometracks.evaluation.table import BinsIn
from genometracks.inputs.bed import name_some
from genometracks.plan.plan import Plan
from genometracks.plan.segments import find_touched

__all__ = ["Grid", "SiteBins", "check_sites", "find_site_bins", "list_keys"]

LOG = logging.getLogger(__name__)
MOST = 10_000_000
"""Bins with a site, whose values are held in memory."""


@dataclass(frozen=True, eq=False)
class Grid:
    """The bins that a run predicts.

    Attributes
    ----------
    segments : mapping
        Contig -> runs of predicted bins, int64 array (n, 2), ascending.
    lengths : mapping
        Contig -> length in bp, in the order in which tracks are read.
    step, span : int
        Bp from bin to bin, and bp that a bin covers.
    """

    segments: Mapping[str, Intervals]
    lengths: Mapping[str, int]
    step: int
    span: int

    @classmethod
    def of_plan(cls, plan: Plan) -> "Grid":
        """The bins of a plan."""
        return cls(plan.segments, plan.lengths, plan.geometry.bin, plan.geometry.span)


@dataclass(frozen=True, eq=False)
class SiteBins:
    """Bins of a contig that are evaluated together, as runs [first, last): int64 arrays (n, 2).

    Attributes
    ----------
    contig : str
    bins_in : str
        `all` or `held_out`.
    evaluated, labels, shifted : array
        All bins, those with a site, and those with a site of the control.
    sites : int
        Number of distinct sites on the contig.
    left_out : int
        Sites that are in none of the bins.
    """

    contig: str
    bins_in: BinsIn
    evaluated: Intervals
    labels: Intervals
    shifted: Intervals
    sites: int
    left_out: int


def check_sites(entries: Sequence[Sites], *, tracks: Sequence[str], grid: Grid) -> None:
    """Raise UserError unless every entry of `evaluation.sites` can be evaluated; log its numbers.

    Parameters
    ----------
    entries : sequence of Sites
    tracks : sequence of str
        Names of the tracks that the run predicts.
    grid : Grid

    Raises
    ------
    UserError
        As `list_keys` and `find_site_bins`.
    """
    for entry, key in zip(entries, list_keys(entries, tracks), strict=True):
        find_site_bins(entry, key=key, grid=grid)


def list_keys(entries: Sequence[Sites], tracks: Sequence[str]) -> list[str]:
    """Return the key of each entry; UserError as `names.check_names`."""
    names = [(entry.track, site_label(entry)) for entry in entries]
    return list(check_names(names, tracks, section="evaluation.sites"))


def find_site_bins(
    entry: Sites, *, key: str, grid: Grid, held_out: Sequence[HeldOut] = ()
) -> list[SiteBins]:
    """Find the bins that an entry is evaluated on; log how many sites they have.

    Parameters
    ----------
    entry : Sites
    key : str
        Its key, `evaluation.sites[0]`, for errors.
    grid : Grid
    held_out : sequence of HeldOut
        Intervals that the model was not trained on. Default is none.

    Returns
    -------
    list of SiteBins
        For each contig, in the order of the grid: its bins that are predicted and, if the entry
        has regions, overlap them; then, if there are any, those of them that are held out.

    Raises
    ------
    UserError
        As `read_sites` and `read_regions`; if no bin has a site, or more than `MOST` have one.
    """
    sites = read_sites(entry, key=key, lengths=grid.lengths)
    regions = (
        read_regions(entry.within, entry, key=key, lengths=grid.lengths) if entry.within else None
    )
    found: list[SiteBins] = []
    for contig, length in grid.lengths.items():
        evaluated = grid.segments.get(contig, EMPTY)
        if regions is not None:
            inside = find_touched(regions.get(contig, EMPTY), grid.step, span=grid.span)
            evaluated = intersect(evaluated, inside)
        held = find_held_out(held_out, contig, length=length, step=grid.step, span=grid.span)
        found += _label(contig, evaluated, held, sites=sites, grid=grid, shift=entry.shift)
    _check_numbers(entry, found, sites, key=key)
    return found


def _label(
    contig: str,
    evaluated: Intervals,
    held: Intervals,
    *,
    sites: SiteIntervals,
    grid: Grid,
    shift: int,
) -> Iterator[SiteBins]:
    """Yield all evaluated bins of a contig, then those that are held out."""
    rows = sites.found.get(contig, EMPTY)
    labels = find_touched(rows, grid.step, span=grid.span)
    groups: list[tuple[BinsIn, Intervals]] = [("all", evaluated)]
    held = intersect(evaluated, held)
    if len(held):
        groups.append(("held_out", held))
    for bins_in, bins in groups:
        own = intersect(labels, bins)
        lost = len(rows) - _count_inside(rows, bins, grid=grid)
        yield SiteBins(contig, bins_in, bins, own, intersect(own + shift, bins), len(rows), lost)


def _count_inside(rows: Intervals, bins: Intervals, *, grid: Grid) -> int:
    """Number of intervals that overlap at least one bin of ascending runs."""
    if not len(bins):
        return 0
    first = (rows[:, 0] - grid.span) // grid.step + 1
    last = -(-rows[:, 1] // grid.step)
    run = np.searchsorted(bins[:, 1], first, side="right")
    starts = bins[np.minimum(run, len(bins) - 1), 0]
    return int(((first < last) & (run < len(bins)) & (starts < last)).sum())


def _check_numbers(
    entry: Sites, found: Sequence[SiteBins], sites: SiteIntervals, *, key: str
) -> None:
    whole = [each for each in found if each.bins_in == "all"]
    total = sum(each.sites for each in whole)
    lost = sum(each.left_out for each in whole)
    bins = sum(int(np.diff(each.labels).sum()) for each in whole)
    why = f"not predicted, or outside of {key}.within" if entry.within else "not predicted"
    elsewhere = ""
    if sites.elsewhere:
        elsewhere = (
            f"; {sites.elsewhere:,} features are on contigs that the run does not have "
            f"({name_some(sites.foreign)})"
        )
    if not bins:
        raise UserError(
            f"{entry.file}: none of its {total:,} sites is in a bin that is evaluated: they are "
            f"{why}{elsewhere}: check {key}"
        )
    if bins > MOST:
        raise UserError(
            f"{entry.file}: {bins:,} bins have a site, more than {MOST:,}, which would not fit "
            f"into memory: set {key}.at to one base, or select fewer features"
        )
    LOG.info(
        f"{entry.track} and {site_label(entry)}: {total - lost:,} sites in {bins:,} bins; "
        f"{lost:,} left out ({why}){elsewhere}"
    )
