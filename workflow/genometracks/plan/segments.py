"""Runs of bins and of windows on a contig's grid. Pure integers, no I/O."""

import numpy as np
import numpy.typing as npt

from genometracks.common.intervals import merge_intervals

Runs = npt.NDArray[np.int64]
"""Runs [first, last): (n, 2), ascending."""


def count_bins(length: int, size: int) -> int:
    """Count the bins of a contig of `length` bp, including the last, partial one."""
    return -(-length // size)


def find_segments(length: int, gaps: Runs, size: int, *, span: int | None = None) -> Runs:
    """Find the runs of bins that contain at least one base outside of the gaps.

    Parameters
    ----------
    length : int
        Contig length in bp.
    gaps : int array (n, 2)
        Maximal runs of bases, in bp, ascending. A bin whose bases are all in gaps is absent.
    size : int
        Base pairs from bin to bin.
    span : int, optional
        Base pairs that a bin covers. Default is `size`.

    Returns
    -------
    int64 array (m, 2)
        Bins [first, last), ascending, not touching each other.
    """
    total = count_bins(length, size)
    gaps = np.asarray(gaps, dtype=np.int64).reshape(-1, 2)
    first = -(-gaps[:, 0] // size)
    last = (gaps[:, 1] - (span or size)) // size + 1
    last[gaps[:, 1] == length] = total  # the contig's end cuts its last bin
    absent = first < last
    edges = np.concatenate([[0], np.column_stack([first, last])[absent].ravel(), [total]])
    segments: Runs = edges.reshape(-1, 2)
    return segments[segments[:, 0] < segments[:, 1]]


def find_touched(intervals: Runs, size: int, *, span: int) -> Runs:
    """Find the runs of bins that contain at least one base of the intervals.

    Parameters
    ----------
    intervals : int array (n, 2)
        In bp, ascending.
    size, span : int
        Base pairs from bin to bin, and base pairs that a bin covers.

    Returns
    -------
    int64 array (m, 2)
        Bins [first, last), ascending, not touching each other.
    """
    first = (intervals[:, 0] - span) // size + 1
    last = -(-intervals[:, 1] // size)
    touched = first < last  # otherwise, the interval is between two bins
    return merge_intervals(np.column_stack([first, last])[touched])


def find_window_runs(segments: Runs, owned: int) -> Runs:
    """Find the runs of windows that own at least one bin of the segments.

    Parameters
    ----------
    segments : int array (n, 2)
        Bins [first, last) of one contig, ascending.
    owned : int
        Bins that a window owns.

    Returns
    -------
    int64 array (m, 2)
        Windows [first, last), ascending; runs that touch are joined.
    """
    first = segments[:, 0] // owned
    last = -(-segments[:, 1] // owned)
    if not len(first):
        return np.empty((0, 2), np.int64)
    apart = first[1:] > last[:-1]
    return np.column_stack([first[np.r_[True, apart]], last[np.r_[apart, True]]])


def own_bins(segments: Runs, first: int, last: int) -> Runs:
    """Cut the segments of a contig to the bins [first, last): int64 array (m, 2)."""
    low = np.searchsorted(segments[:, 1], first, side="right")
    high = np.searchsorted(segments[:, 0], last, side="left")
    owned: Runs = np.clip(segments[low:high], first, last)
    return owned
