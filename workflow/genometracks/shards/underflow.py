"""Values that are too small for float16: counted while a shard is written, reported for a run.

From 2**-14 upwards, float16 rounds by at most 2**-11 of a value. Below, its steps have a fixed
size: values lose digits, and those below 2**-25 become zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LOSS = np.float32(2.0**-11)
"""Largest error relative to a value of at least `SMALLEST`: 3 significant digits are kept."""
SMALLEST = 2.0**-14
"""Smallest value that float16 stores with all of its digits."""
MAGNITUDE, SMALLEST_BITS = np.uint16(0x7FFF), np.uint16(0x0400)
"""Bits of a float16 without its sign, and those of `SMALLEST`: they compare as the values do."""
STEP = np.float32(2.0**-24)
"""Difference of neighbouring values below `SMALLEST`: there, the bits count these steps."""
SHARE = 0.01
"""Part of a track's non-zero bins from which the loss is reported. It affects the smallest values
first: below 1%, all from the first percentile upwards keep their digits."""
LISTED = 3
BLOCK = 1 << 16
"""Values examined at once: this bounds the memory, and they stay in the cache."""

Values = npt.NDArray[np.floating[Any]]
"""float32, or float16 where the name says so."""


@dataclass(frozen=True)
class Underflow:
    """Bins of tracks in which float16 keeps fewer digits, or in which the value is zero anyway.

    Attributes
    ----------
    tracks : list of int
        Positions of the tracks that have such bins, ascending; no other track is listed.
    lost : list of int
        For each of them, the number of bins that lose more than `LOSS` of their value.
    zeros : list of int
        For each of them, the number of bins that are predicted as zero. They lose nothing.
    """

    tracks: list[int]
    lost: list[int]
    zeros: list[int]


class UnderflowMeter:
    """Count of the values of a shard that float16 stores with fewer digits.

    Parameters
    ----------
    tracks : int
        Number of tracks.
    """

    def __init__(self, tracks: int) -> None:
        self._lost, self._zeros = np.zeros((2, tracks), np.int64)

    def add(self, piece: Values, stored: Values) -> None:
        """Count a piece: float32 (tracks, n), and the same values as float16."""
        rows = max(1, BLOCK // max(piece.shape[1], 1))
        for first in range(0, len(piece), rows):
            part = slice(first, first + rows)
            bits = stored[part].view(np.uint16) & MAGNITUDE
            small = bits < SMALLEST_BITS
            if small.any():
                exact = np.abs(piece[part])
                error = np.abs(exact - bits * STEP)  # converting float16 would take twice as long
                lost = (error > exact * LOSS) & small
                self._lost[part] += np.count_nonzero(lost, axis=1)
                self._zeros[part] += np.count_nonzero(exact == 0, axis=1)

    def measured(self) -> Underflow | None:
        """The counts; None if there are none."""
        return _select(self._lost, self._zeros, (self._lost + self._zeros) > 0)


def combine_underflows(found: Sequence[Underflow]) -> Underflow | None:
    """Sum the counts of shards over the tracks that lose digits; None if no track does."""
    tracks = 1 + max((track for each in found for track in each.tracks), default=-1)
    lost, zeros = np.zeros((2, tracks), np.int64)
    for each in found:
        lost[each.tracks] += each.lost
        zeros[each.tracks] += each.zeros
    return _select(lost, zeros, lost > 0)


def _select(
    lost: npt.NDArray[np.int64], zeros: npt.NDArray[np.int64], listed: npt.NDArray[np.bool_]
) -> Underflow | None:
    tracks = np.flatnonzero(listed)
    if not len(tracks):
        return None
    return Underflow(tracks.tolist(), lost[tracks].tolist(), zeros[tracks].tolist())


def describe_underflow(underflow: Underflow | None, *, names: Sequence[str], bins: int) -> str:
    """Describe which tracks lose digits in more than `SHARE` of their non-zero bins.

    Parameters
    ----------
    underflow : Underflow or None
        Of the whole run.
    names : sequence of str
        Names of all tracks.
    bins : int
        Number of bins of each track.

    Returns
    -------
    str
        One line that names the worst tracks and the remedy; empty if no track exceeds `SHARE`.
    """
    if underflow is None:
        return ""
    counts = zip(underflow.tracks, underflow.lost, underflow.zeros, strict=True)
    shares: Mapping[str, float] = {
        names[track]: lost / (bins - zeros)
        for track, lost, zeros in counts
        if lost > SHARE * (bins - zeros)
    }
    if not shares:
        return ""
    worst = sorted(shares, key=lambda name: -shares[name])[:LISTED]
    listed = ", ".join(f"{name} ({shares[name]:.1%})" for name in worst)
    return (
        f"float16 keeps fewer than 3 digits of values below {SMALLEST:.1e}, more than {SHARE:.0%} "
        f"of the non-zero bins in {len(shares):,} of {len(names):,} tracks; most in {listed}: "
        "set output.dtype to float32 to predict them again"
    )
