"""Agreement of a predicted track with an observed one, window by window over the genome.

Both are read from bigWigs, in a bounded number of windows.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.reader import BigWigReader
from genometracks.config.sections import EvaluationConfig, HeldOut, Observed
from genometracks.evaluation.correlate import correlate
from genometracks.evaluation.held_out import mark_held_out
from genometracks.evaluation.locus import Locus
from genometracks.evaluation.locus_figure import Curve
from genometracks.evaluation.observed import observed_label, read_observed
from genometracks.plan.plan import Plan

__all__ = ["Agreement", "ComparedWindow", "compare_windows", "cut_curves", "pick_extremes"]

Place = tuple[str, int, int]
Pair = npt.NDArray[np.float32]
"""Predicted and observed values of bins: (2, bins), NaN where absent."""

MOST = 200
"""Windows that are read; where the genome has more, they are evenly spread."""


@dataclass(frozen=True, eq=False)
class ComparedWindow:
    """A window, and what both tracks have in it.

    Attributes
    ----------
    locus : Locus
        Held out if all of its bins are.
    pearson : float
        Over the window's bins; NaN where not defined.
    spread : float
        Standard deviation of the observed track.
    full : bool
        Whether at least half of the window's bins have both values.
    place : (str, int, int)
        Contig, first bin, last bin.
    """

    locus: Locus
    pearson: float
    spread: float
    full: bool
    place: Place


@dataclass(frozen=True, eq=False)
class Agreement:
    """The windows that were compared.

    Attributes
    ----------
    windows : list of ComparedWindow
    possible : int
        Number of windows of the genome.
    width : int
        Width of a window in bp.
    train : (int, float, float) or None
        Number of bins outside of the held-out intervals, and Pearson's and Spearman's correlation
        over them; None if nothing is held out or no such bin was read.
    """

    windows: list[ComparedWindow]
    possible: int
    width: int
    train: tuple[int, float, float] | None

    @property
    def whole(self) -> bool:
        """Whether the windows cover the genome."""
        return len(self.windows) == self.possible


def compare_windows(
    plan: Plan, predicted: Path, entry: Observed, *, evaluation: EvaluationConfig
) -> Agreement:
    """Compare a predicted track with an observed one.

    Parameters
    ----------
    plan : Plan
    predicted : Path
        The bigWig of the predicted track.
    entry : Observed
    evaluation : EvaluationConfig
        Its `held_out`, and `locus_width` as the width of a window.

    Raises
    ------
    UserError
        If a bigWig is missing or damaged.
    """
    width, step = max(evaluation.locus_width, plan.geometry.bin), plan.geometry.bin
    width = -(-width // step) * step
    places = list(_list_windows(plan, width))
    chosen = places
    if len(places) > MOST:
        chosen = [places[i * (len(places) - 1) // (MOST - 1)] for i in range(MOST)]
    windows: list[ComparedWindow] = []
    seen: list[Pair] = [np.empty((2, 0), np.float32)]
    masks: dict[str, npt.NDArray[np.bool_]] = {}
    with BigWigReader(predicted) as ours, BigWigReader(entry.bigwig) as theirs:
        for place in chosen:
            contig, first, last = place
            if contig not in masks:  # one contig at a time: windows come in their order
                masks = {contig: _mark(plan, contig, evaluation.held_out)}
            pair = _read_pair(plan, ours, theirs, entry, place=place)
            held = masks[contig][first:last]
            if evaluation.held_out:
                seen.append(pair[:, np.isfinite(pair).all(axis=0) & ~held])
            windows.append(_describe(plan, place, pair, held=bool(held.all())))
    x, y = np.concatenate(seen, axis=1)
    train = (len(x), *correlate(x, y)) if len(x) else None
    return Agreement(windows, len(places), width, train)


def pick_extremes(windows: Sequence[ComparedWindow]) -> list[tuple[str, ComparedWindow]]:
    """Pick the windows of the highest and the lowest correlation, with a word for each.

    Held-out windows are preferred, where there are any. Of the windows that are at least half full,
    the half in which the observed track varies most is considered: the others are background.
    """
    usable = [each for each in windows if each.full and not math.isnan(each.pearson)]
    usable = [each for each in usable if each.locus.held_out] or usable
    if not usable:
        return []
    middle = sorted(each.spread for each in usable)[len(usable) // 2]
    rest = sorted((each for each in usable if each.spread >= middle), key=lambda e: e.pearson)
    found = [("highest", rest[-1])]
    return [*found, ("lowest", rest[0])] if len(rest) > 1 else found


def cut_curves(plan: Plan, predicted: Path, entry: Observed, window: ComparedWindow) -> list[Curve]:
    """Read a window's values again, as the curves of `draw_locus`: predicted and observed."""
    with BigWigReader(predicted) as ours, BigWigReader(entry.bigwig) as theirs:
        pair = _read_pair(plan, ours, theirs, entry, place=window.place)
    _, first, last = window.place
    starts = np.arange(first, last) * plan.geometry.bin
    names = (f"{entry.track}, predicted", f"{observed_label(entry)}, observed")
    return [
        Curve(name, starts, plan.geometry.span, values, entry.track)
        for name, values in zip(names, pair, strict=True)
    ]


def _list_windows(plan: Plan, width: int) -> Iterator[Place]:
    """Windows (contig, first bin, last bin) of the genome in which bins are predicted."""
    size = width // plan.geometry.bin
    for contig, runs in plan.segments.items():
        numbers = np.unique(
            np.concatenate(
                [np.arange(first // size, (last - 1) // size + 1) for first, last in runs.tolist()]
                or [np.empty(0, np.int64)]
            )
        )
        bins = -(-plan.lengths[contig] // plan.geometry.bin)
        for number in numbers.tolist():
            yield contig, number * size, min((number + 1) * size, bins)


def _mark(plan: Plan, contig: str, held_out: Sequence[HeldOut]) -> npt.NDArray[np.bool_]:
    geometry = plan.geometry
    return mark_held_out(
        held_out, contig, length=plan.lengths[contig], step=geometry.bin, span=geometry.span
    )


def _read_pair(
    plan: Plan,
    ours: BigWigReader,
    theirs: BigWigReader,
    entry: Observed,
    *,
    place: Place,
) -> Pair:
    contig, first, last = place
    step, span = plan.geometry.bin, plan.geometry.span
    return np.stack(
        [
            ours.bin_means(contig, step, first, last, span=span),
            read_observed(
                theirs,
                entry.aliases.get(contig, contig),
                step=step,
                first_bin=first,
                last_bin=last,
                span=span,
                transform=entry.transform,
            ),
        ]
    ).astype(np.float32)


def _describe(plan: Plan, place: Place, pair: Pair, *, held: bool) -> ComparedWindow:
    (contig, first, last), step = place, plan.geometry.bin
    x, y = pair[:, np.isfinite(pair).all(axis=0)]
    end = min(last * step, plan.lengths[contig])
    return ComparedWindow(
        locus=Locus(contig, first * step, end, held_out=held),
        pearson=correlate(x, y)[0],
        spread=float(y.std()) if len(y) else 0.0,
        full=2 * len(x) >= last - first,
        place=place,
    )
