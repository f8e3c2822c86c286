"""Choice of the locus that is shown of a genome. Integers and arrays; reads and writes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genometracks.config.sections import HeldOut

__all__ = ["Locus", "choose_locus"]


@dataclass(frozen=True)
class Locus:
    """An interval, 0-based, half-open, and whether all of it is held out."""

    contig: str
    start: int
    end: int
    held_out: bool = False


def choose_locus(
    signals: Iterable[tuple[str, npt.NDArray[np.int64], npt.NDArray[Any]]],
    *,
    step: int,
    lengths: Mapping[str, int],
    held_out: Sequence[HeldOut] = (),
    width: int = 50_000,
    slide: int = 10_000,
) -> Locus:
    """Choose the window in which a signal varies most, held out if any held-out bin has a value.

    Parameters
    ----------
    signals : iterable of (contig, bins, values)
        For each contig: ascending bin numbers and one value a bin; bins may be missing.
    step : int
        Width of a bin in bp.
    lengths : mapping
        Contig -> length in bp.
    held_out : sequence of HeldOut
        Default is none.
    width, slide : int
        Width of the window and distance between the windows tried, in bp. Defaults are 50,000 and
        10,000.

    Returns
    -------
    Locus
        The first of those that are best by, in this order: held out; length (shorter than `width`
        only where no held-out part or no contig is that long); at least half full of bins; the
        largest standard deviation.

    Raises
    ------
    ValueError
        If no window has a bin with a value.
    """
    best, choice = None, None
    for contig, bins, values in signals:
        whole = [HeldOut(contig, 0, lengths[contig])]
        for held, places in ((True, held_out), (False, whole)):
            for start, end in _windows(places, contig, lengths[contig], width=width, slide=slide):
                first, last = np.searchsorted(bins, (-(-start // step), end // step))
                if first == last:
                    continue
                half_full = bool(2 * (last - first) * step >= end - start)
                spread = float(np.std(values[first:last], dtype=np.float64))
                score = (held, end - start, half_full, spread)
                if best is None or score > best:
                    best, choice = score, Locus(contig, start, end, held)
    if choice is None:
        raise ValueError("no window holds a bin to show")
    return choice


def _windows(
    places: Iterable[HeldOut], contig: str, length: int, *, width: int, slide: int
) -> Iterator[tuple[int, int]]:
    """Windows in the parts of a contig that `places` cover, touching intervals joined."""
    joined: list[list[int]] = []
    spans = ((max(at.start, 0), min(at.end, length)) for at in places if at.contig == contig)
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    for start, end in joined:
        last = max(end - width, start)
        for at in (*range(start, last, slide), last):
            yield at, min(at + width, end)
