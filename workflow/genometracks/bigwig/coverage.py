"""How many features cover each base, summed over the cells of a grid: a bigBed's zoom levels."""

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.format import Summary
from genometracks.bigwig.zooms import Cells


def cover_cells(intervals: npt.NDArray[np.int64], *, cell: int, summary: Summary) -> Cells:
    """Sum the coverage by features over the cells that they touch.

    Parameters
    ----------
    intervals : int64 array (n, 2)
        Bp, half-open; at least one. They may overlap.
    cell : int
        Bp of a cell.
    summary : Summary
        Extended by the statistics of all covered bases.

    Examples
    --------
    >>> cells = cover_cells(np.array([[0, 12], [5, 8]]), cell=10, summary=Summary())
    >>> cells.index.tolist(), cells.valid.tolist(), cells.max.tolist(), cells.sum.tolist()
    ([0, 1], [10, 2], [2.0, 1.0], [13.0, 2.0])
    """
    edges = np.unique(intervals)
    change = np.bincount(np.searchsorted(edges, intervals[:, 0]), minlength=len(edges))
    change -= np.bincount(np.searchsorted(edges, intervals[:, 1]), minlength=len(edges))
    depth = np.cumsum(change)[:-1]
    start, end = edges[:-1][depth > 0], edges[1:][depth > 0]
    depth = depth[depth > 0]
    # A piece for each cell that a run of equal coverage reaches into.
    first = start // cell
    spread = (end - 1) // cell - first + 1
    run = np.repeat(np.arange(len(start)), spread)
    index = first[run] + np.arange(len(run)) - np.repeat(np.cumsum(spread) - spread, spread)
    bases = np.minimum(end[run], (index + 1) * cell) - np.maximum(start[run], index * cell)
    values = depth[run].astype(np.float64)
    summary.covered += int(bases.sum())
    summary.min = min(summary.min, float(values.min()))
    summary.max = max(summary.max, float(values.max()))
    summary.sum += float((values * bases).sum())
    summary.squares += float((values**2 * bases).sum())
    small = values.astype(np.float32)
    return Cells(index, bases, small, small, values * bases, values**2 * bases).coarsen(1)
