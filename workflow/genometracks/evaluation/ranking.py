"""Top-k accuracy and average precision of values whose bins have a site or not.

Exact, from the values of the bins with a site alone and from numbers of bins at or above each of
them: the memory does not grow with the genome, and the order of the bins has no effect.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Curve", "Ranking", "Tally", "rank_sites"]

Values = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]

BUFFER = 1 << 22
"""Values that are sorted at once."""
POINTS = 1000
"""Points that are kept of a curve, about."""


class Tally:
    """Numbers of values that are at or above, and above, given thresholds.

    Parameters
    ----------
    thresholds : float32 array (n,)
        Ascending, each once.

    Examples
    --------
    >>> tally = Tally(np.array([1, 2], np.float32))
    >>> tally.add(np.array([2, 0, 1, 1, 3], np.float32))
    >>> [counts.tolist() for counts in tally.count(np.array([1, 2], np.float32))]
    [[4, 2], [2, 1]]
    """

    def __init__(self, thresholds: Values) -> None:
        self._thresholds = thresholds
        self._reach = np.zeros(len(thresholds), np.int64)
        self._exceed = np.zeros(len(thresholds), np.int64)
        self._waiting: list[Values] = []
        self._held = 0
        self.total = 0
        """Number of values."""

    def add(self, values: Values) -> None:
        """Count some more values."""
        self._waiting.append(values)
        self._held += len(values)
        if self._held >= BUFFER:
            self.flush()

    def flush(self) -> None:
        """Count the values that are held back, and free them; their number is bounded."""
        if not self._held:
            return
        values = np.sort(np.concatenate(self._waiting))
        self._reach += len(values) - np.searchsorted(values, self._thresholds, side="left")
        self._exceed += len(values) - np.searchsorted(values, self._thresholds, side="right")
        self.total += len(values)
        self._waiting, self._held = [], 0

    def count(self, at: Values) -> tuple[Counts, Counts]:
        """Numbers of values at or above, and above, some of the thresholds."""
        self.flush()
        chosen = np.searchsorted(self._thresholds, at)
        return self._reach[chosen], self._exceed[chosen]


@dataclass(frozen=True, eq=False)
class Curve:
    """Precision against recall, as the threshold falls: arrays (n,)."""

    recall: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """How well values find the bins with a site.

    Attributes
    ----------
    positives : int
        Number of bins with a site, k.
    top_k : float
        Part of the k greatest values that are in bins with a site. If bins with equal values
        compete for the last places, the expected part of a random choice among them. NaN if k is 0.
    average_precision : float
        Precision averaged over the bins with a site: the sum, over the thresholds, of the increase
        of recall times the precision. Equal values are one threshold. NaN if k is 0.
    curve : Curve
    """

    positives: int
    top_k: float
    average_precision: float
    curve: Curve


def rank_sites(positives: Values, tally: Tally) -> Ranking:
    """Rank the bins with a site among all.

    Parameters
    ----------
    positives : float32 array (k,)
        Values of the bins with a site, in any order. Each is a threshold of the tally.
    tally : Tally
        Of all bins, those with a site included.

    Examples
    --------
    >>> values = np.array([4, 3, 2, 1], np.float32)
    >>> positives = values[[0, 2]]
    >>> tally = Tally(np.unique(positives))
    >>> tally.add(values)
    >>> ranking = rank_sites(positives, tally)
    >>> ranking.top_k, round(ranking.average_precision, 4)
    (0.5, 0.8333)
    """
    k = len(positives)
    if not k:
        return Ranking(0, np.nan, np.nan, Curve(np.empty(0), np.empty(0)))
    thresholds, equal = np.unique(positives, return_counts=True)
    reach, exceed = (counts[::-1] for counts in tally.count(thresholds))
    equal = equal[::-1]
    hits = np.cumsum(equal)
    precision = hits / reach
    return Ranking(
        positives=k,
        top_k=_count_top(k, hits, equal, reach, exceed) / k,
        average_precision=float(np.sum(equal * precision) / k),
        curve=_thin(hits / k, precision),
    )


def _count_top(k: int, hits: Counts, equal: Counts, reach: Counts, exceed: Counts) -> float:
    """Expected number of bins with a site among the k greatest values; thresholds descend."""
    whole = int(np.searchsorted(reach, k, side="right"))  # thresholds that are reached k times
    found = float(hits[whole - 1]) if whole else 0.0
    if whole < len(reach) and exceed[whole] < k:  # bins of this value fill the last places
        ties = reach[whole] - exceed[whole]
        found += float((k - exceed[whole]) * equal[whole] / ties)
    return found


def _thin(recall: npt.NDArray[Any], precision: npt.NDArray[Any]) -> Curve:
    """The first and the last point, and the first one in each of `POINTS` steps of recall."""
    steps = np.floor(recall * POINTS)
    kept = np.r_[True, np.diff(steps) > 0]
    kept[-1] = True
    return Curve(recall[kept], precision[kept])
