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


def count_edge_bins(measured: dict, flanks: tuple[int, int] | None) -> int | None:
    """Output bins at each end of a window whose value depends on bases beyond the window.

    Parameters
    ----------
    measured : dict
        `window`, `bin`, `crop` and `length` of the model.
    flanks : (int, int) or None
        Base pairs left and right of a bin that can move its value; None: all of the window.

    Returns
    -------
    int or None
        None if no bin depends on the window's inside alone, or the model gives one value.
    """
    if flanks is None:
        return None
    size = measured["bin"]
    edge = max(0, -(-max(flanks) // size) - measured["crop"])
    return edge if 2 * edge < measured["length"] else None


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
