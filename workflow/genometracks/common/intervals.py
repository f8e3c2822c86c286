"""Runs [first, last) of bases or bins as int64 arrays (n, 2). No I/O."""

import numpy as np
import numpy.typing as npt

Intervals = npt.NDArray[np.int64]
"""Array (n, 2) of half-open intervals."""

EMPTY: Intervals = np.empty((0, 2), np.int64)


def find_runs(mask: npt.NDArray[np.bool_]) -> Intervals:
    """Find the maximal runs of True: int64 array (n, 2).

    Examples
    --------
    >>> find_runs(np.array([True, False, True, True])).tolist()
    [[0, 1], [2, 4]]
    """
    edges = np.diff(mask, prepend=False, append=False)
    return np.flatnonzero(edges).reshape(-1, 2)


def merge_intervals(rows: npt.ArrayLike) -> Intervals:
    """Sort intervals and join those that overlap or touch.

    Parameters
    ----------
    rows : int array (n, 2)
        [first, last) in any order.

    Returns
    -------
    int64 array (m, 2)
        The same positions: ascending, not touching each other.

    Examples
    --------
    >>> merge_intervals([[5, 9], [0, 3], [3, 4]]).tolist()
    [[0, 4], [5, 9]]
    """
    given = np.asarray(rows, np.int64).reshape(-1, 2)
    if not len(given):
        return EMPTY
    ascending = given[np.argsort(given[:, 0], kind="stable")]
    ends = np.maximum.accumulate(ascending[:, 1])
    apart = ascending[1:, 0] > ends[:-1]
    return np.column_stack([ascending[np.r_[True, apart], 0], ends[np.r_[apart, True]]])


def intersect(rows: Intervals, others: Intervals) -> Intervals:
    """Parts of `rows` that lie in `others`.

    Parameters
    ----------
    rows, others : int64 array (n, 2)
        Ascending, without overlaps.

    Returns
    -------
    int64 array (m, 2)
        Ascending, without overlaps.

    Examples
    --------
    >>> rows, others = np.array([[0, 10], [20, 30]]), np.array([[5, 25]])
    >>> intersect(rows, others).tolist()
    [[5, 10], [20, 25]]
    """
    low = np.searchsorted(others[:, 1], rows[:, 0], side="right")
    high = np.searchsorted(others[:, 0], rows[:, 1], side="left")
    counts = np.maximum(high - low, 0)
    mine = np.repeat(np.arange(len(rows)), counts)
    nth = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
    theirs = low[mine] + nth
    return np.column_stack(
        [
            np.maximum(rows[mine, 0], others[theirs, 0]),
            np.minimum(rows[mine, 1], others[theirs, 1]),
        ]
    )
