"""The figures of a run's evaluation: one locus of all tracks, one scatter an observed track."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genometracks.common.sealing import Seal
from genometracks.config.sections import EvaluationConfig, Observed
from genometracks.errors import UserError
from genometracks.evaluation.held_out import mark_held_out
from genometracks.evaluation.locus import Locus, choose_locus
from genometracks.evaluation.locus_figure import Curve, draw_locus
from genometracks.evaluation.observed import PairedBins, Piece, observed_label, pair_bins
from genometracks.evaluation.scatter_figure import draw_scatter
from genometracks.evaluation.table import Correlation, find_row
from genometracks.plan.plan import Plan

PANELS = 8
"""Panels of the locus after which no further track is added to it."""


def draw_evaluation(
    folder: Path,
    plan: Plan,
    *,
    predictions: Callable[[str], Iterable[Piece]],
    evaluation: EvaluationConfig,
    rows: Sequence[Correlation],
) -> list[Seal]:
    """Draw `locus.png` and one `scatter_{i}.png` for each observed track; return their seals.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    plan : Plan
    predictions : callable
        Name of a track -> its pieces, as `evaluate` takes it.
    evaluation : EvaluationConfig
    rows : sequence of Correlation
        From `evaluate`: the correlations to print.

    Raises
    ------
    UserError
        If an observed track covers no predicted bin.
    """
    step, span, lengths = plan.geometry.bin, plan.geometry.span, plan.lengths
    masks = {
        contig: mark_held_out(evaluation.held_out, contig, length=length, step=step, span=span)
        for contig, length in lengths.items()
    }
    locus: Locus | None = None
    curves: list[Curve] = []
    seals: list[Seal] = []
    for i, entry in enumerate(evaluation.observed):
        pairs = list(pair_bins(predictions(entry.track), entry, step=step, span=span))
        if not any(len(pair.bins) for pair in pairs):
            raise UserError(
                f"{entry.bigwig}: covers no bin that was predicted: check evaluation.observed"
            )
        row = find_row(rows, entry)
        seals.append(_draw_pairs(folder / f"scatter_{i}.png", pairs, masks, row=row))
        locus = locus or choose_locus(
            ((pair.contig, pair.bins, pair.observed) for pair in pairs),
            step=step,
            lengths=lengths,
            held_out=evaluation.held_out,
            width=evaluation.locus_width,
        )
        if len(curves) < PANELS:
            first = entry.track not in [curve.pair for curve in curves]
            curves += _cut_curves(pairs, locus, plan, entry=entry, with_predicted=first)
    if locus:
        seals.append(draw_locus(folder / "locus.png", locus, tracks=_sort_by_pair(curves)))
    return seals


def _draw_pairs(
    path: Path,
    pairs: Sequence[PairedBins],
    masks: Mapping[str, npt.NDArray[np.bool_]],
    *,
    row: Correlation,
) -> Seal:
    """Scatter of the bins that a row is about: the held-out ones, or all."""
    held = row.bins_in == "held_out"
    kept = [masks[pair.contig][pair.bins] if held else slice(None) for pair in pairs]
    return draw_scatter(
        path,
        predicted=np.concatenate([p.predicted[k] for p, k in zip(pairs, kept, strict=True)]),
        observed=np.concatenate([p.observed[k] for p, k in zip(pairs, kept, strict=True)]),
        label=f"{row.track} and {row.observed}, {'held-out' if held else 'all'} bins",
        pearson=row.pearson,
        spearman=row.spearman,
    )


def _cut_curves(
    pairs: Sequence[PairedBins], locus: Locus, plan: Plan, *, entry: Observed, with_predicted: bool
) -> list[Curve]:
    """The locus of a pair of tracks; the predicted one is drawn once for all its replicates."""
    curves, step, span = [], plan.geometry.bin, plan.geometry.span
    for pair in pairs:
        if pair.contig != locus.contig:
            continue
        shown = slice(*np.searchsorted(pair.bins * step, (locus.start - span + 1, locus.end)))
        starts, track = pair.bins[shown] * step, entry.track
        if with_predicted:
            label = f"{track}, predicted"
            curves.append(Curve(label, starts, span, pair.predicted[shown], track))
        label = f"{observed_label(entry)}, observed"
        curves.append(Curve(label, starts, span, pair.observed[shown], track))
    return curves


def _sort_by_pair(curves: Sequence[Curve]) -> list[Curve]:
    """Curves of one pair side by side, pairs in the order of their first curves."""
    pairs = [curve.pair for curve in curves]
    return sorted(curves, key=lambda curve: pairs.index(curve.pair))
