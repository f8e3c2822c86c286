"""Observed tracks: checked against a run, read on the model's scale, paired with predicted ones.

A bin that either side lacks is left out, never filled.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.reader import BigWigReader
from genometracks.config.sections import Observed, Transform
from genometracks.errors import UserError
from genometracks.evaluation.names import check_names

__all__ = [
    "PairedBins",
    "Piece",
    "check_observed",
    "observed_label",
    "pair_bins",
    "read_observed",
]

Piece = tuple[str, int, npt.NDArray[np.float32]]
"""A stretch of a predicted track: contig, first bin, values of consecutive bins."""


@dataclass(frozen=True, eq=False)
class PairedBins:
    """The bins of a contig that are finite on both sides, ascending, and their values."""

    contig: str
    bins: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.float32]
    observed: npt.NDArray[np.float64]


def observed_label(entry: Observed) -> str:
    """The name of an observed track: its `name`, or else the bigWig's file name without suffix."""
    return entry.name or Path(entry.bigwig).stem


def check_observed(
    observed: Sequence[Observed], *, tracks: Iterable[str], lengths: Mapping[str, int]
) -> None:
    """Raise UserError unless every observed bigWig can be compared with this run.

    Parameters
    ----------
    observed : sequence of Observed
        The entries of `evaluation.observed`.
    tracks : iterable of str
        Names of the tracks that the run predicts.
    lengths : mapping
        Contig of the run -> length in bp.

    Raises
    ------
    UserError
        If a track is unknown, two entries have the same name, the bigWig lacks a contig, or a
        contig's length differs: a bigWig made on another assembly would be compared base by base
        with the wrong sequence.
    """
    names = [(entry.track, observed_label(entry)) for entry in observed]
    keys = check_names(names, list(tracks), section="evaluation.observed")
    for entry, where in zip(observed, keys, strict=True):
        _check_contigs(entry, lengths, where=where)


def _check_contigs(entry: Observed, lengths: Mapping[str, int], *, where: str) -> None:
    path = entry.bigwig
    with BigWigReader(path) as reader:
        has = dict(reader.contigs)
    for contig, length in lengths.items():
        name = entry.aliases.get(contig, contig)
        if name not in has:
            some = ", ".join(itertools.islice(has, 5)) + (", ..." if len(has) > 5 else "")
            alias = f" (for {contig})" if name != contig else ""
            action = "correct it in" if name != contig else "add it to"
            raise UserError(
                f"observed bigWig {path} has no contig {name}{alias}; it has {some};"
                f" {action} {where}.aliases"
            )
        if has[name] != length:
            raise UserError(
                f"observed bigWig {path}: contig {name} has {has[name]:,} bp, but {contig} of the"
                f" genome has {length:,} bp; give {where} a bigWig made on the same assembly"
            )


def read_observed(
    reader: BigWigReader,
    contig: str,
    *,
    step: int,
    first_bin: int,
    last_bin: int,
    span: int | None = None,
    transform: Transform | None = None,
) -> npt.NDArray[np.float64]:
    """Bins first_bin, ..., last_bin - 1 of an observed track, on the model's scale.

    Parameters
    ----------
    reader : BigWigReader
    contig : str
        Name in the bigWig.
    step : int
        Bp from bin to bin; bin k covers [k * step, k * step + span), 0-based, half-open.
    first_bin, last_bin : int
        Half-open range of bins.
    span : int, optional
        Bp that a bin covers. Default is `step`.
    transform : Transform, optional
        `y = mean / divide + pseudocount`, then the natural logarithm where `log` is true. Default
        changes nothing.

    Returns
    -------
    float64 array (last_bin - first_bin,)
        NaN where the bigWig covers no base of the bin, and where the logarithm of a value that is
        not positive is requested.
    """
    transform = transform or Transform()
    with np.errstate(over="ignore"):  # an infinite value is left out, like a missing one
        values = reader.bin_means(contig, step, first_bin, last_bin, span=span) / transform.divide
        values += transform.pseudocount
    if not transform.log:
        return values
    logs = np.full(values.shape, np.nan)
    np.log(values, out=logs, where=values > 0)
    return logs


def pair_bins(
    pieces: Iterable[Piece], entry: Observed, *, step: int, span: int | None = None
) -> Iterator[PairedBins]:
    """Yield the bins that a predicted track and an observed one share, contig by contig.

    Parameters
    ----------
    pieces : iterable of Piece
        Of one track, in order; absent bins are left out.
    entry : Observed
    step, span : int
        Bp from bin to bin, and bp that a bin covers, as in `read_observed`.
    """
    with BigWigReader(entry.bigwig) as reader:
        for contig, run in itertools.groupby(pieces, key=lambda piece: piece[0]):
            bins, predicted, observed = [], [], []
            for _, first, values in run:
                truth = read_observed(
                    reader,
                    entry.aliases.get(contig, contig),
                    step=step,
                    first_bin=first,
                    last_bin=first + len(values),
                    span=span,
                    transform=entry.transform,
                )
                kept = np.isfinite(values) & np.isfinite(truth)
                bins.append(first + np.flatnonzero(kept))
                predicted.append(values[kept])
                observed.append(truth[kept])
            yield PairedBins(
                contig, np.concatenate(bins), np.concatenate(predicted), np.concatenate(observed)
            )
