"""The part of a genome that a model was not trained on: its bins, and the locus to show of it.

Integers and arrays; reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Locus", "choose_locus", "held_out_bins"]

Interval = tuple[str, int, int]


class Locus(NamedTuple):
    """An interval, 0-based, half-open, and whether all of it is held out."""

    contig: str
    start: int
    end: int
    held_out: bool


def held_out_bins(
    intervals: Iterable[Interval],
    contig: str,
    *,
    length: int,
    step: int,
    span: int | None = None,
) -> np.ndarray:
    """Mark the bins of a contig that lie wholly inside one held-out interval.

    Parameters
    ----------
    intervals
        (contig, start, end), 0-based, half-open; those of other contigs are passed over.
        Touching intervals are not joined: a bin across their border is not held out.
    contig, length
        Name and length in bp of the contig.
    step, span
        Bp from bin to bin, and bp that a bin covers (by default ``step``). The contig's last bin
        ends where the contig ends.

    Returns
    -------
    numpy.ndarray
        bool, one value per bin of the contig.
    """
    inside = np.zeros(-(-length // step), bool)
    span = span or step
    for name, start, end in intervals:
        if name == contig:
            last = len(inside) if end >= length else (max(end, 0) - span) // step + 1
            inside[-(-max(start, 0) // step) : last] = True
    return inside


def choose_locus(
    signals: Iterable[tuple[str, np.ndarray, np.ndarray]],
    *,
    step: int,
    lengths: Mapping[str, int],
    held_out: Sequence[Interval] = (),
    width: int = 50_000,
    slide: int = 10_000,
) -> Locus:
    """Choose the window in which a signal varies most, held out if any bin with a value is.

    Parameters
    ----------
    signals
        (contig, bins, values) of each contig: ascending bin numbers and one value per bin;
        bins may be missing.
    step
        Width of a bin in bp.
    lengths
        Contigs and their lengths in bp.
    held_out
        Intervals (contig, start, end), 0-based, half-open.
    width, slide
        Width of the window and distance between the windows tried, in bp.

    Returns
    -------
    Locus
        The first wins of those that are best by, in this order: held out; as long as can be
        (shorter than ``width`` only where no held-out part or no contig is that long); at least
        half full of bins; the largest standard deviation.

    Raises
    ------
    ValueError
        No window has a bin with a value.
    """
    best, choice = None, None
    for contig, bins, values in signals:
        whole = [(contig, 0, lengths[contig])]
        for held, places in ((True, held_out), (False, whole)):
            for start, end in _windows(places, contig, lengths[contig], width=width, slide=slide):
                first, last = np.searchsorted(bins, (-(-start // step), end // step))
                if first == last:
                    continue
                half_full = 2 * (last - first) * step >= end - start
                spread = float(np.std(values[first:last], dtype=np.float64))
                score = (held, end - start, half_full, spread)
                if best is None or score > best:
                    best, choice = score, Locus(contig, start, end, held)
    if choice is None:
        raise ValueError("no window holds a bin to show")
    return choice


def _windows(
    places: Iterable[Interval], contig: str, length: int, *, width: int, slide: int
) -> Iterator[tuple[int, int]]:
    """Windows in the parts of a contig that ``places`` cover, touching intervals joined."""
    joined: list[list[int]] = []
    spans = ((max(start, 0), min(end, length)) for name, start, end in places if name == contig)
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    for start, end in joined:
        last = max(end - width, start)
        for at in (*range(start, last, slide), last):
            yield at, min(at + width, end)
