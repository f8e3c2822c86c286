"""Runs [first, last) of bases or bins as int64 arrays (n, 2). No I/O."""

import numpy as np

EMPTY = np.empty((0, 2), np.int64)


def merge_intervals(rows: np.ndarray) -> np.ndarray:
    """Sort intervals, and join those that overlap or touch.

    Parameters
    ----------
    rows : int array (n, 2)
        [first, last) in any order.

    Returns
    -------
    int64 array (m, 2)
        The same positions: ascending, not touching each other.
    """
    rows = np.asarray(rows, np.int64).reshape(-1, 2)
    if not len(rows):
        return EMPTY
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    ends = np.maximum.accumulate(rows[:, 1])
    apart = rows[1:, 0] > ends[:-1]
    return np.column_stack([rows[np.r_[True, apart], 0], ends[np.r_[apart, True]]])


def intersect(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Parts of `rows` that lie in `others`; all ascending, without overlaps: int64 array (m, 2)."""
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
