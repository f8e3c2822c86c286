"""Window length: how many bins depend on bases beyond the window, and which length costs least.

Near its ends, a window reads zeros although the sequence continues. Longer windows have fewer such
bins, and less of what they compute is discarded. Pure integers, no I/O.
"""

from collections.abc import Iterable

import numpy as np

from grelu_models.geometry import Geometry

LONGEST = 1 << 17
"""Base pairs of the longest window that is chosen: beyond it, less than 1% can be saved."""

MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Window lengths to consider, in multiples of the model's window."""


def count_edge_bins(measured: Geometry, flanks: tuple[int, int] | None) -> int | None:
    """Count the output bins at each end of a window that depend on bases beyond it.

    Parameters
    ----------
    measured : Geometry
        Geometry of the model.
    flanks : (int, int) or None
        Base pairs left and right of a bin that can influence its value; None if the whole window
        can.

    Returns
    -------
    int or None
        None if every bin may depend on bases beyond the window, or the model gives one value.
    """
    if flanks is None or measured.bin is None:
        return None
    edge = max(0, -(-max(flanks) // measured.bin) - measured.crop)
    return edge if 2 * edge < measured.length else None


def choose_multiple(measured: Geometry, *, trim: int, lengths: Iterable[int]) -> int:
    """Choose the multiple of the window with the lowest cost: base pairs read over all contigs.

    Parameters
    ----------
    measured : Geometry
        Geometry of a model with bins.
    trim : int
        Bins at each end of the output that a window does not own.
    lengths : iterable of int
        Lengths of the contigs in bp.

    Returns
    -------
    int
        The smallest of `MULTIPLES` whose cost is within 1% of the lowest.
    """
    window, size = measured.window, measured.bin
    assert size is not None
    bins = -(-np.fromiter(lengths, np.int64) // size)
    costs: dict[int, int] = {}
    for multiple in MULTIPLES:
        if multiple > 1 and multiple * window > LONGEST:
            break
        owned = multiple * window // size - 2 * (measured.crop + trim)
        costs[multiple] = int((-(-bins // owned)).sum()) * multiple * window
    return next(m for m, cost in costs.items() if cost <= 1.01 * min(costs.values()))
