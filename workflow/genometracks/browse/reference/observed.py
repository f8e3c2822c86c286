"""Observed tracks as bigWigs on the model's scale, in the bins that were predicted."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.reader import BigWigReader
from genometracks.bigwig.writer import BigWigWriter
from genometracks.common.sealing import Seal
from genometracks.config.sections import Observed
from genometracks.evaluation.observed import read_observed
from genometracks.plan.plan import Plan

__all__ = ["write_observed_tracks"]

CHUNK = 1 << 18
"""Bins that are read at once."""


def write_observed_tracks(
    plan: Plan, entries: Sequence[Observed], files: Sequence[Path]
) -> list[Seal]:
    """Write the observed tracks that a run is compared with; return the files' seals.

    Parameters
    ----------
    plan : Plan
    entries : sequence of Observed
        The entries of `evaluation.observed`.
    files : sequence of Path
        A bigWig to write for each. A bin that was not predicted, or that the observed track does
        not cover, is absent.

    Raises
    ------
    UserError
        If an observed bigWig is damaged or lacks a contig.
    """
    contigs = {contig: length for contig, length in plan.lengths.items() if length}
    step, span = plan.geometry.bin, plan.geometry.span
    seals = []
    for entry, file in zip(entries, files, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        with (
            BigWigReader(entry.bigwig) as reader,
            BigWigWriter(file, contigs, step=step, span=span) as writer,
        ):
            for contig, first, values in _read_bins(plan, entry, reader):
                for begin, end in _find_runs(np.isfinite(values)):
                    writer.write(contig, first + begin, values[begin:end])
        seals.append(writer.seal)
    return seals


def _read_bins(
    plan: Plan, entry: Observed, reader: BigWigReader
) -> Iterator[tuple[str, int, npt.NDArray[np.float32]]]:
    """Yield (contig, first bin, values) of the bins to predict, on the model's scale."""
    for contig, runs in plan.segments.items():
        for first, last in runs.tolist():
            for begin in range(first, last, CHUNK):
                values = read_observed(
                    reader,
                    entry.aliases.get(contig, contig),
                    step=plan.geometry.bin,
                    first_bin=begin,
                    last_bin=min(begin + CHUNK, last),
                    span=plan.geometry.span,
                    transform=entry.transform,
                )
                with np.errstate(over="ignore"):  # infinite in float32: left out
                    yield contig, begin, values.astype(np.float32)


def _find_runs(kept: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs [first, last) of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    return [(first, last) for first, last in edges.reshape(-1, 2).tolist()]
