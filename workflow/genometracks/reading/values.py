"""Values of stretches of the genome, from wherever a run keeps them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genometracks.reading.about import Grid
from genometracks.reading.table import Track

MOST = 1 << 24
"""Values that are held at once, about: 64 MB."""
LONGEST = 1 << 20
"""Bins that are held at once."""
AHEAD = 1 << 16
"""Bins that are read from the start of a region on: a row group of the Parquet table."""


@dataclass(frozen=True)
class Bins:
    """Bins of a contig that have values.

    Attributes
    ----------
    bins : int64 array (n,)
        Ascending. Absent bins are not among them.
    values : float32 array (tracks, n)
    """

    bins: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]


class Source(Protocol):
    """Where the values of a run are: its Parquet table, or its bigWigs."""

    kind: str

    def read(self, contig: str, first: int, last: int, tracks: Sequence[Track]) -> Bins:
        """Read the bins [first, last) of a contig."""


def find_bins(start: int, end: int, grid: Grid) -> tuple[int, int]:
    """Find the bins [first, last) that overlap the bases [start, end).

    Examples
    --------
    >>> find_bins(4, 9, Grid(bin=4, span=4)), find_bins(2, 4, Grid(bin=4, span=1))
    ((1, 3), (1, 1))
    """
    first = start // grid.bin
    if start >= first * grid.bin + grid.span:
        first += 1  # between the bases that two bins cover
    return first, max(-(-end // grid.bin), first)


class Reader:
    """Reads stretches of contigs in blocks of a bounded size.

    Many short stretches in ascending order cost little more than one long one: from the second
    stretch on, each read continues past the end of a short one.

    Parameters
    ----------
    source : Source
    tracks : sequence of Track
        At least one.
    """

    def __init__(self, source: Source, tracks: Sequence[Track]) -> None:
        self._source, self._tracks = source, tracks
        self._step = min(max(MOST // len(tracks), 1), LONGEST)
        self._held: tuple[str, int, int, Bins] | None = None

    def read(self, contig: str, first: int, last: int) -> Iterator[Bins]:
        """Yield the bins [first, last) of a contig; blocks without bins are skipped."""
        for start in range(first, last, self._step):
            found = self._read_block(contig, start, min(start + self._step, last))
            if len(found.bins):
                yield found

    def _read_block(self, contig: str, first: int, last: int) -> Bins:
        held = self._held
        if held is None or held[0] != contig or first < held[1] or last > held[2]:
            end = last if held is None else max(last, first + min(self._step, AHEAD))
            found = self._source.read(contig, first, end, self._tracks)
            self._held = held = contig, first, end, found
        whole = held[3]
        low, high = (int(place) for place in np.searchsorted(whole.bins, (first, last)))
        return Bins(whole.bins[low:high], whole.values[:, low:high])
