"""How much of what a bin depends on lies in its window, and how long a window should be.

A bin near a window's end reads zeros where its neighbours' sequence goes on. A longer window does
the same work with fewer such bins, and with less halo that is computed and thrown away. Pure
integers, no I/O.
"""

from collections.abc import Iterable

import numpy as np

LONGEST = 1 << 17
"""Base pairs of the longest window that is chosen: beyond it, less than 1% can be saved."""

MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)


def count_edge_bins(measured: dict, receptive_field: int) -> int | None:
    """Output bins at each end of a window whose receptive field reaches beyond the window.

    Parameters
    ----------
    measured : dict
        `window`, `bin`, `crop` and `length` of the model.
    receptive_field : int
        Base pairs that can move one output value.

    Returns
    -------
    int or None
        None if every bin reads the whole window, or the model gives one value.
    """
    size = measured["bin"]
    if size is None or receptive_field >= measured["window"]:
        return None
    # Pools and even kernels put a bin up to one bin off the middle of what it reads.
    flank = -(-(receptive_field - size) // 2) + size
    return max(0, -(-flank // size) - measured["crop"])


def choose_multiple(measured: dict, *, trim: int, lengths: Iterable[int]) -> int:
    """How many times longer a window costs least: base pairs computed over all contigs.

    Parameters
    ----------
    measured : dict
        `window`, `bin`, `crop` and `length` of the model.
    trim : int
        Bins at each end of the output that a window does not own.
    lengths : iterable of int
        Of the contigs, in bp.

    Returns
    -------
    int
        The smallest of `MULTIPLES` within 1% of the least.
    """
    window, size = measured["window"], measured["bin"]
    bins = -(-np.fromiter(lengths, np.int64) // size)
    costs = {}
    for multiple in MULTIPLES:
        if multiple > 1 and multiple * window > LONGEST:
            break
        owned = multiple * window // size - 2 * (measured["crop"] + trim)
        costs[multiple] = int((-(-bins // owned)).sum()) * multiple * window
    return next(m for m, cost in costs.items() if cost <= 1.01 * min(costs.values()))
