"""Values between which tracks are drawn, and where a signal is, from the overviews of bigWigs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.overview import Overview
from genometracks.config.sections import HeldOut
from genometracks.evaluation.locus import Locus, choose_locus

__all__ = ["Limits", "choose_limits", "choose_start"]

CLIPPED = 0.002
"""Share of the stretches of a genome whose extremes may lie outside of the limits."""
NEAR = 3.0
"""Extremes this many times farther from 0 than most values, or less, are inside of the limits."""
FLAT = 0.02
"""Part of the axis, which is about one pixel, below which values of the rarer sign are left out."""


@dataclass(frozen=True)
class Limits:
    """Values between which a track is drawn, low < high."""

    low: float
    high: float


def choose_limits(overviews: Sequence[Overview]) -> Limits:
    """Choose the limits of tracks that are drawn in one scale.

    Values are never far outside: in each track, the extremes of at most 0.2% of all stretches (64
    bins or more) are, and none that is at most 3 times as far from 0 as the limit would be without
    it. One limit is 0, unless values of both signs are that frequent, and visible.

    Parameters
    ----------
    overviews : sequence of Overview
        One or more; those without a value are ignored.

    Examples
    --------
    >>> choose_limits([])
    Limits(low=0.0, high=1.0)
    """
    lows, highs = [0.0], [0.0]
    for view in overviews:
        if view.covered:
            records = view.records
            enough = len(records) * CLIPPED >= 1
            often = np.quantile(records["min"], CLIPPED) if enough else view.min
            lows.append(_reach(float(often), view.min))
            often = np.quantile(records["max"], 1 - CLIPPED) if enough else view.max
            highs.append(_reach(float(often), view.max))
    low, high = min(lows), max(highs)
    if -low < FLAT * high:
        low = 0.0
    if high < FLAT * -low:
        high = 0.0
    return Limits(low, high) if low < high else Limits(0.0, 1.0)


def _reach(often: float, extreme: float) -> float:
    """The limit on one side: the extreme, unless it would flatten what is drawn most often."""
    return extreme if abs(extreme) <= NEAR * abs(often) else often


def choose_start(
    view: Overview, *, width: int, lengths: Mapping[str, int], held_out: Sequence[HeldOut] = ()
) -> Locus:
    """Choose the locus to start at: where a track varies most, held out where any of it is.

    Parameters
    ----------
    view : Overview
    width : int
        Width of the locus in bp.
    lengths : mapping
        Contig of the run -> length in bp.
    held_out : sequence of HeldOut
        Default is none.

    Returns
    -------
    Locus
        The start of the first contig if the track has no value.
    """
    first = next(iter(lengths))
    if not len(view.records):
        return Locus(first, 0, min(width, lengths[first]))
    step = view.step
    return choose_locus(
        _list_peaks(view),
        step=step,
        lengths=lengths,
        held_out=held_out,
        # Not narrower than the stretches, of which a locus must hold several.
        width=max(width, 8 * step),
        slide=max(width // 5, step),
    )


def _list_peaks(
    view: Overview,
) -> Iterator[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Each contig's stretches: numbers, and the greatest distances of their values from 0."""
    names, records = list(view.contigs), view.records
    for number in np.unique(records["contig"]).tolist():
        some = records[records["contig"] == number]
        peaks = np.where(some["max"] > -some["min"], some["max"], some["min"])
        yield names[number], some["start"].astype(np.int64) // view.step, peaks
