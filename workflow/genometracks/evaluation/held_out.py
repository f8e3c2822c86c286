"""The bins that a model was not trained on."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genometracks.config.sections import HeldOut


def mark_held_out(
    intervals: Iterable[HeldOut],
    contig: str,
    *,
    length: int,
    step: int,
    span: int | None = None,
) -> npt.NDArray[np.bool_]:
    """Mark the bins of a contig that are wholly inside one held-out interval.

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
    bool array (bins of the contig,)
    """
    inside = np.zeros(-(-length // step), bool)
    span = span or step
    for held in intervals:
        if held.contig == contig:
            last = len(inside) if held.end >= length else (max(held.end, 0) - span) // step + 1
            inside[-(-max(held.start, 0) // step) : last] = True
    return inside
