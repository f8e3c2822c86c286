"""Correlations of predicted tracks with observed ones, over the bins that both have.

Holds one track at a time; never loads a model.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genometracks.config.sections import HeldOut, Observed
from genometracks.evaluation.correlate import correlate
from genometracks.evaluation.held_out import mark_held_out
from genometracks.evaluation.observed import Piece, check_observed, observed_label, pair_bins
from genometracks.evaluation.table import ALL_CONTIGS, BinsIn, Correlation

__all__ = ["evaluate"]


@dataclass(frozen=True, eq=False)
class Sides:
    """Values of the same bins on both sides, and whether each bin is held out."""

    predicted: npt.NDArray[np.float32]
    observed: npt.NDArray[np.float64]
    held_out: npt.NDArray[np.bool_]

    @classmethod
    def join(cls, parts: Sequence["Sides"]) -> "Sides":
        """Concatenate the bins of several contigs."""
        return cls(
            np.concatenate([part.predicted for part in parts]),
            np.concatenate([part.observed for part in parts]),
            np.concatenate([part.held_out for part in parts]),
        )

    def choose_held_out(self) -> "Sides":
        """The held-out bins alone."""
        held = self.held_out
        return Sides(self.predicted[held], self.observed[held], held[held])


NOTHING = Sides(np.empty(0, np.float32), np.empty(0), np.empty(0, bool))


def evaluate(
    predictions: Callable[[str], Iterable[Piece]],
    observed: Sequence[Observed],
    *,
    tracks: Iterable[str],
    step: int,
    lengths: Mapping[str, int],
    span: int | None = None,
    held_out: Sequence[HeldOut] = (),
) -> list[Correlation]:
    """Compare every observed track with the predicted one that it belongs to.

    Parameters
    ----------
    predictions : callable
        Name of a track -> its pieces (contig, first bin, float32 values), in order, absent bins
        left out.
    observed : sequence of Observed
        The entries of `evaluation.observed`.
    tracks : iterable of str
        Names of the tracks that the run predicts.
    step, span : int
        Bp from bin to bin, and bp that a bin covers (default `step`), as in `read_observed`.
    lengths : mapping
        Contig of the run -> length in bp.
    held_out : sequence of HeldOut
        Intervals that the model was not trained on. Default is none.

    Returns
    -------
    list of Correlation
        For each observed track: the rows over all contigs, then those of the contigs in the order
        of `lengths`. A row of held-out bins exists only where there are such bins.

    Raises
    ------
    UserError
        As `check_observed`, before anything is computed.
    """
    check_observed(observed, tracks=tracks, lengths=lengths)
    masks = {
        contig: mark_held_out(held_out, contig, length=length, step=step, span=span)
        for contig, length in lengths.items()
    }
    rows = []
    for entry in observed:
        sides = {
            pair.contig: Sides(pair.predicted, pair.observed, masks[pair.contig][pair.bins])
            for pair in pair_bins(predictions(entry.track), entry, step=step, span=span)
        }
        rows += _compare_track(entry, {contig: sides.get(contig, NOTHING) for contig in lengths})
    return rows


def _compare_track(entry: Observed, contigs: Mapping[str, Sides]) -> list[Correlation]:
    """The rows of one track."""
    rows = [row for contig, sides in contigs.items() for row in _compare(entry, contig, sides)]
    if len(contigs) == 1:  # ranking tens of millions of bins twice would give the same numbers
        return [replace(row, contig=ALL_CONTIGS) for row in rows] + rows
    return _compare(entry, ALL_CONTIGS, Sides.join(list(contigs.values()))) + rows


def _compare(entry: Observed, contig: str, sides: Sides) -> list[Correlation]:
    """The row of all bins, and that of the held-out ones if there are any."""
    rows = [_make_row(entry, contig, "all", sides)]
    if sides.held_out.any():
        rows.append(_make_row(entry, contig, "held_out", sides.choose_held_out()))
    return rows


def _make_row(entry: Observed, contig: str, bins_in: BinsIn, sides: Sides) -> Correlation:
    pearson, spearman = correlate(sides.predicted, sides.observed)
    return Correlation(
        track=entry.track,
        observed=observed_label(entry),
        contig=contig,
        bins_in=bins_in,
        bins=len(sides.predicted),
        pearson=pearson,
        spearman=spearman,
    )
