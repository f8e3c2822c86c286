"""Runs of bins of a contig whose runs of N are too many to list: found piece by piece in its bases.

A genome may have a run of N every few bases. Memory grows with the runs of bins that are found, and
their number is limited.
"""

import numpy as np

from genometracks.common.intervals import Intervals, find_runs, intersect, merge_intervals
from genometracks.errors import UserError
from genometracks.inputs.bases import Bases
from genometracks.inputs.genome import LISTED, Contig
from genometracks.plan.segments import Runs, find_segments

PIECE = 1 << 22
"""Bases that are read at once, at least."""
N = 4
"""Code of N in `Bases.codes`."""


def find_scattered(
    contig: Contig, bases: Bases, listed: Intervals, *, size: int, span: int, most: int
) -> Runs:
    """Find the runs of bins that contain at least one base that is not N and not listed.

    Parameters
    ----------
    contig : Contig
    bases : Bases
        The normalised FASTA.
    listed : int64 array (n, 2)
        Other bases that do not count, in bp, ascending, not touching each other.
    size, span : int
        Base pairs from bin to bin, and base pairs that a bin covers, at most `size`.
    most : int
        Largest number of runs.

    Returns
    -------
    int64 array (m, 2)
        As `segments.find_segments`.

    Raises
    ------
    UserError
        If the contig's bases changed since they were scanned, or there are too many runs of bins.
    """
    bases.check({contig.name: contig.sha256})
    step = -(-PIECE // size) * size  # pieces of whole bins
    found, count = [np.empty((0, 2), np.int64)], 0
    for start in range(0, contig.length, step):
        end = min(start + step, contig.length)
        gaps = find_runs(bases.codes(contig.name, start, end) == N) + start
        if len(listed):
            inside = intersect(listed, np.array([[start, end]]))
            gaps = merge_intervals(np.concatenate([gaps, inside]))
        segments = find_segments(end - start, gaps - start, size, span=span)
        found.append(segments + start // size)
        count += len(segments)
        if count > most + len(found):  # a run across two pieces is counted twice
            break
    runs = merge_intervals(np.concatenate(found))
    if len(runs) > most:
        raise UserError(
            f"contig {contig.name}: N cut its bins of {size} bp into too many runs (more than "
            f"{LISTED:,} in the genome): leave the contig out (genome.contigs), or replace single "
            "N in the FASTA"
        )
    return runs
