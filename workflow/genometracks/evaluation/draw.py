"""The figures of the evaluation."""

from pathlib import Path

import numpy as np

from genometracks.errors import UserError
from genometracks.evaluation.evaluate import observed_label, pair_bins
from genometracks.evaluation.figures import Curve, draw_locus, draw_scatter
from genometracks.evaluation.regions import Locus, choose_locus, held_out_bins
from genometracks.plan.plan import Plan

PANELS = 8


def draw_evaluation(
    folder: Path, plan: Plan, *, predictions, evaluation: dict, rows: list[dict]
) -> None:
    """Draw `locus.png` and one `scatter_{i}.png` for each observed track.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    predictions : callable
        Track name -> iterator of (contig, first bin, values).
    evaluation : dict
        The config's section.
    rows : list of dict
        From `evaluate.evaluate`: the correlations to print.
    """
    step, span, lengths = plan.geometry.bin, plan.geometry.span, plan.lengths
    held_out = list_held_out(evaluation)
    masks = {
        contig: held_out_bins(held_out, contig, length=length, step=step, span=span)
        for contig, length in lengths.items()
    }
    locus, curves = None, []
    for i, entry in enumerate(evaluation["observed"]):
        pairs = list(pair_bins(predictions(entry["track"]), entry, step=step, span=span))
        if not any(len(bins) for _, bins, _, _ in pairs):
            raise UserError(
                f"{entry['bigwig']}: covers no bin that was predicted: check evaluation.observed"
            )
        _draw_pairs(folder / f"scatter_{i}.png", pairs, masks, entry=entry, rows=rows)
        if locus is None:
            signals = ((contig, bins, truth) for contig, bins, _, truth in pairs)
            locus = choose_locus(
                signals,
                step=step,
                lengths=lengths,
                held_out=held_out,
                width=evaluation["locus_width"],
            )
        if len(curves) < PANELS:
            first = entry["track"] not in [curve.pair for curve in curves]
            curves += _cut_curves(pairs, locus, plan, entry=entry, with_predicted=first)
    draw_locus(
        folder / "locus.png",
        contig=locus.contig,
        start=locus.start,
        end=locus.end,
        tracks=sorted(curves, key=lambda curve: [c.pair for c in curves].index(curve.pair)),
        held_out=locus.held_out,
    )


def _cut_curves(
    pairs: list, locus: Locus, plan: Plan, *, entry: dict, with_predicted: bool
) -> list[Curve]:
    """The locus of a pair of tracks; the predicted one is drawn once for all its replicates."""
    curves, step, span = [], plan.geometry.bin, plan.geometry.span
    for contig, bins, predicted, truth in pairs:
        if contig != locus.contig:
            continue
        shown = slice(*np.searchsorted(bins * step, (locus.start - span + 1, locus.end)))
        starts, track = bins[shown] * step, entry["track"]
        if with_predicted:
            curves.append(Curve(f"{track}, predicted", starts, span, predicted[shown], track))
        label = f"{observed_label(entry)}, observed"
        curves.append(Curve(label, starts, span, truth[shown], track))
    return curves


def list_held_out(evaluation: dict) -> list[tuple[str, int, int]]:
    """The config's held-out intervals as tuples."""
    return [(row["contig"], row["start"], row["end"]) for row in evaluation["held_out"]]


def _draw_pairs(path: Path, pairs: list, masks: dict, *, entry: dict, rows: list[dict]) -> None:
    """Scatter of the held-out bins, or of all bins where none is held out."""
    row = find_row(rows, entry)
    held = row["bins_in"] == "held_out"
    kept = [masks[contig][bins] if held else slice(None) for contig, bins, _, _ in pairs]
    predicted, observed = (
        np.concatenate([pair[side][keep] for pair, keep in zip(pairs, kept, strict=True)])
        for side in (2, 3)
    )
    where = "held-out bins" if held else "all bins"
    draw_scatter(
        path,
        predicted=predicted,
        observed=observed,
        label=f"{entry['track']} and {observed_label(entry)}, {where}",
        pearson=row["pearson"],
        spearman=row["spearman"],
    )


def find_row(rows: list[dict], entry: dict) -> dict:
    """The row over all contigs of an observed track: held-out bins if there are any."""
    own = [
        row
        for row in rows
        if row["contig"] == "*"
        and (row["track"], row["observed"]) == (entry["track"], observed_label(entry))
    ]
    return next((row for row in own if row["bins_in"] == "held_out"), own[0])
