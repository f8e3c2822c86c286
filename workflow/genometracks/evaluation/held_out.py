"""The bins that a model was not trained on."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genometracks.common.intervals import Intervals, merge_intervals
from genometracks.config.sections import HeldOut


def find_held_out(
    intervals: Iterable[HeldOut],
    contig: str,
    *,
    length: int,
    step: int,
    span: int | None = None,
) -> Intervals:
    """Find the runs of bins of a contig that are wholly inside one held-out interval.

    Parameters
    ----------
    intervals : iterable of HeldOut
        Those of other contigs are ignored. Touching intervals are not joined: a bin across their
        border is not held out.
    contig : str
    length : int
        Length in bp of the contig, where its last bin ends.
    step, span : int
        Bp from bin to bin, and bp that a bin covers. Default of `span` is `step`.

    Returns
    -------
    int64 array (n, 2)
        Bins [first, last), ascending, not touching each other.
    """
    bins, span = -(-length // step), span or step
    runs = []
    for held in intervals:
        if held.contig == contig:
            first = -(-max(held.start, 0) // step)
            last = bins if held.end >= length else (max(held.end, 0) - span) // step + 1
            if first < last:
                runs.append((first, last))
    return merge_intervals(runs)


def mark_held_out(
    intervals: Iterable[HeldOut],
    contig: str,
    *,
    length: int,
    step: int,
    span: int | None = None,
) -> npt.NDArray[np.bool_]:
    """Mark the bins of `find_held_out`: bool array (bins of the contig,)."""
    inside = np.zeros(-(-length // step), bool)
    runs = find_held_out(intervals, contig, length=length, step=step, span=span)
    for first, last in runs.tolist():
        inside[first:last] = True
    return inside
