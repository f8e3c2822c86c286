"""Compare predicted tracks with observed bigWigs: Pearson and Spearman over the bins both have.

Reads pieces of predicted tracks and bigWigs, writes one table. Holds one track at a time; never
loads a model, and never fills a bin that either side lacks: such a bin is left out.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from genometracks.bigwig.reader import BigWigReader
from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError
from genometracks.evaluation.regions import held_out_bins

__all__ = [
    "check_observed",
    "correlate",
    "evaluate",
    "observed_label",
    "pair_bins",
    "read_observed",
    "write_evaluation",
]

COLUMNS = ("track", "observed", "contig", "bins_in", "bins", "pearson", "spearman")

Piece = tuple[str, int, np.ndarray]


def read_observed(
    reader: BigWigReader,
    contig: str,
    *,
    step: int,
    first_bin: int,
    last_bin: int,
    span: int | None = None,
    transform: Mapping | None = None,
) -> np.ndarray:
    """Read bins ``first_bin .. last_bin - 1`` of an observed track, on the model's scale.

    Parameters
    ----------
    reader
        An open bigWig.
    contig
        Name in the bigWig.
    step
        Bp from bin to bin; bin k covers [k * step, k * step + span), 0-based, half-open.
    first_bin, last_bin
        Half-open range of bins.
    span
        Bp that a bin covers; by default ``step``.
    transform
        ``divide`` (default 1), ``pseudocount`` (default 0) and ``log`` (default false):
        ``y = mean / divide + pseudocount``, then the natural logarithm where ``log`` is true.

    Returns
    -------
    numpy.ndarray
        float64, shape (last_bin - first_bin,). NaN where the bigWig covers no base of the bin,
        and where a logarithm was asked of a value that is not positive.
    """
    transform = transform or {}
    means = reader.bin_means(contig, step, first_bin, last_bin, span=span)
    values = np.asarray(means, np.float64) / transform.get("divide", 1.0)
    values += transform.get("pseudocount", 0.0)
    if not transform.get("log", False):
        return values
    logs = np.full(values.shape, np.nan)
    return np.log(values, out=logs, where=values > 0)


def observed_label(entry: Mapping) -> str:
    """The name an observed track goes by: its ``name``, or the bigWig's file name, less suffix."""
    return entry.get("name") or Path(entry["bigwig"]).stem


def check_observed(
    observed: Sequence[Mapping], *, tracks: Iterable[str], lengths: Mapping[str, int]
) -> None:
    """Raise UserError unless every observed bigWig can be compared with this run.

    Parameters
    ----------
    observed
        The entries of ``evaluation.observed``: ``track``, ``bigwig``, and optionally ``name``,
        ``aliases`` (contig in the FASTA -> contig in the bigWig) and ``transform``.
    tracks
        Names of the tracks the run predicts.
    lengths
        Contigs of the run and their lengths in bp.

    Raises
    ------
    UserError
        An unknown track, two entries under one name, a contig that the bigWig lacks, or one
        whose length differs: a bigWig made on another assembly would be compared base by base
        with the wrong sequence.
    """
    tracks = list(tracks)
    seen: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(observed):
        where = f"evaluation.observed[{number}]"
        _check_track(entry["track"], tracks, where=where)
        twin = seen.setdefault((entry["track"], observed_label(entry)), number)
        if twin != number:
            raise UserError(
                f"{where} and evaluation.observed[{twin}] are both called"
                f" {observed_label(entry)}; give one of them another name"
            )
        _check_contigs(entry, lengths, where=where)


def _check_track(name: str, tracks: Sequence[str], *, where: str) -> None:
    if name in tracks:
        return
    # Tracks differ by case more often than by spelling, so the comparison ignores it.
    by_lower = {track.lower(): track for track in tracks}
    near = difflib.get_close_matches(name.lower(), by_lower, n=5, cutoff=0.0)
    raise UserError(
        f"{where}.track: the run predicts no track {name};"
        f" the nearest are {', '.join(by_lower[track] for track in near)}"
    )


def _check_contigs(entry: Mapping, lengths: Mapping[str, int], *, where: str) -> None:
    path, aliases = entry["bigwig"], entry.get("aliases") or {}
    with BigWigReader(path) as reader:
        has = dict(reader.contigs)
    for contig, length in lengths.items():
        name = aliases.get(contig, contig)
        if name not in has:
            some = ", ".join(itertools.islice(has, 5)) + (", ..." if len(has) > 5 else "")
            alias = f" (for {contig})" if name != contig else ""
            mend = "mend it in" if name != contig else "add it to"
            raise UserError(
                f"observed bigWig {path} has no contig {name}{alias}; it has {some};"
                f" {mend} {where}.aliases"
            )
        if has[name] != length:
            raise UserError(
                f"observed bigWig {path}: contig {name} has {has[name]:,} bp, but {contig} of the"
                f" genome has {length:,} bp; give {where} a bigWig made on the same assembly"
            )


def pair_bins(
    pieces: Iterable[Piece], entry: Mapping, *, step: int, span: int | None = None
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Walk along a predicted track and its observed one, contig by contig.

    Parameters
    ----------
    pieces
        (contig, first bin, float32 values) of one track, in order; absent bins are not there.
    entry
        The observed track, as in ``check_observed``.
    step, span
        Bp from bin to bin, and bp that a bin covers, as in ``read_observed``.

    Yields
    ------
    contig : str
    bins : numpy.ndarray
        int64, ascending numbers of the bins that are finite on both sides.
    predicted, observed : numpy.ndarray
        float32 and float64, the values in these bins.
    """
    aliases = entry.get("aliases") or {}
    with BigWigReader(entry["bigwig"]) as reader:
        for contig, run in itertools.groupby(pieces, key=lambda piece: piece[0]):
            bins, predicted, observed = [], [], []
            for _, first, values in run:
                truth = read_observed(
                    reader,
                    aliases.get(contig, contig),
                    step=step,
                    first_bin=first,
                    last_bin=first + len(values),
                    span=span,
                    transform=entry.get("transform"),
                )
                kept = np.isfinite(values) & np.isfinite(truth)
                bins.append(first + np.flatnonzero(kept))
                predicted.append(values[kept])
                observed.append(truth[kept])
            yield contig, *(np.concatenate(parts) for parts in (bins, predicted, observed))


def correlate(predicted: np.ndarray, observed: np.ndarray) -> tuple[float, float]:
    """Pearson's and Spearman's correlation of two equally long arrays, computed in float64.

    Spearman's gives ties their average rank. Both are NaN where fewer than two values are
    given or where either side does not vary.
    """
    x, y = np.asarray(predicted, np.float64), np.asarray(observed, np.float64)
    if len(x) < 2 or x.min() == x.max() or y.min() == y.max():
        return float("nan"), float("nan")
    return _pearson(x, y), _pearson(rankdata(x), rankdata(y))


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt(x @ x) * np.sqrt(y @ y)
    return float(np.clip(x @ y / scale, -1.0, 1.0)) if scale > 0 else float("nan")


def evaluate(
    predictions: Callable[[str], Iterable[Piece]],
    observed: Sequence[Mapping],
    *,
    tracks: Iterable[str],
    step: int,
    lengths: Mapping[str, int],
    span: int | None = None,
    held_out: Sequence[tuple[str, int, int]] = (),
) -> list[dict]:
    """Compare every observed track with the predicted one it belongs to.

    Parameters
    ----------
    predictions
        Gives, for the name of a track, its pieces: (contig, first bin, float32 values), in
        order, absent bins left out.
    observed
        The entries of ``evaluation.observed``, as in ``check_observed``.
    tracks
        Names of the tracks the run predicts.
    step, span
        Bp from bin to bin, and bp that a bin covers, as in ``read_observed``.
    lengths
        Contigs of the run and their lengths in bp.
    held_out
        Intervals (contig, start, end), 0-based, half-open, that the model was not trained on.

    Returns
    -------
    list of dict
        Keys ``track``, ``observed``, ``contig`` ('*': all together), ``bins_in`` ('all' or
        'held_out'), ``bins``, ``pearson``, ``spearman``. The rows of '*' come first, then the
        contigs in the order of ``lengths``. A row of held-out bins exists only where there are
        such bins.

    Raises
    ------
    UserError
        As ``check_observed``, before anything is computed.
    """
    check_observed(observed, tracks=tracks, lengths=lengths)
    masks = {
        contig: held_out_bins(held_out, contig, length=length, step=step, span=span)
        for contig, length in lengths.items()
    }
    rows = []
    for entry in observed:
        pairs = {
            contig: (predicted, truth, masks[contig][bins])
            for contig, bins, predicted, truth in pair_bins(
                predictions(entry["track"]), entry, step=step, span=span
            )
        }
        rows += _compare_track(entry, pairs, contigs=list(lengths))
    return rows


def _compare_track(
    entry: Mapping,
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    *,
    contigs: Sequence[str],
) -> list[dict]:
    """The rows of one track; ``pairs`` holds (predicted, observed, held out?) of each contig."""
    nothing = (np.empty(0, np.float32), np.empty(0), np.empty(0, bool))
    every = [pairs.get(contig, nothing) for contig in contigs]
    names = {"track": entry["track"], "observed": observed_label(entry)}
    rows = [
        names | {"contig": contig} | cells
        for contig, pair in zip(contigs, every, strict=True)
        for cells in _compare(*pair)
    ]
    if len(contigs) == 1:  # ranking tens of millions of bins twice would tell nothing new
        return [row | {"contig": "*"} for row in rows] + rows
    together = (np.concatenate(column) for column in zip(*every, strict=True))
    return [names | {"contig": "*"} | cells for cells in _compare(*together)] + rows


def _compare(predicted: np.ndarray, observed: np.ndarray, held: np.ndarray) -> Iterator[dict]:
    """The cells of the row of all bins, and of the held-out ones where there are any."""
    subsets = {"all": (predicted, observed)}
    if held.any():
        subsets["held_out"] = (predicted[held], observed[held])
    for bins_in, (x, y) in subsets.items():
        pearson, spearman = correlate(x, y)
        yield {"bins_in": bins_in, "bins": len(x), "pearson": pearson, "spearman": spearman}


def write_evaluation(rows: Iterable[Mapping], path: str | Path) -> None:
    """Write the rows of ``evaluate`` as a TSV, whole or not at all.

    Correlations have 6 significant digits; one that is not defined is an empty field.
    """
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([_field(row[column]) for column in COLUMNS] for row in rows)
    with write_atomically(path) as file:
        file.write(text.getvalue().encode())


def _field(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return str(value)
