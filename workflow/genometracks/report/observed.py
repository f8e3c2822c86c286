"""The part of a report on observed tracks: correlations, scatters, best and worst loci."""

from dataclasses import dataclass

from genometracks.config.folders import RunFolder
from genometracks.config.sections import EvaluationConfig, Observed
from genometracks.evaluation.locus_figure import encode_locus
from genometracks.evaluation.observed import observed_label
from genometracks.evaluation.table import Correlation
from genometracks.plan.plan import Plan
from genometracks.report.agreement import (
    Agreement,
    ComparedWindow,
    compare_windows,
    cut_curves,
    pick_extremes,
)
from genometracks.report.facts import Facts
from genometracks.report.pictures import SHOWN, read_figure
from genometracks.report.render import Picture, format_r, make_picture
from genometracks.tracks.table import name_rows

__all__ = ["ObservedPart", "show_observed"]

COMPARED = 4
"""Observed tracks that are read window by window."""
DPI = 110
PARTS = {"all": "all", "held_out": "held-out", "train": "training (not held out)"}


@dataclass(frozen=True)
class ObservedRow:
    """A row of the table: `bins_in` in words."""

    track: str
    observed: str
    bins_in: str
    bins: int
    pearson: float
    spearman: float


@dataclass(frozen=True)
class ObservedPart:
    """What a report shows of the observed tracks."""

    rows: list[ObservedRow]
    notes: list[str]
    scatters: list[Picture]
    loci: list[Picture]


def show_observed(
    plan: Plan, folder: RunFolder, facts: Facts, *, evaluation: EvaluationConfig, bigwigs: bool
) -> ObservedPart:
    """Show correlations, scatters and the loci of highest and lowest agreement.

    Correlations over all and over held-out bins are those of evaluation.tsv. Those over the other
    bins, on which a model may have been trained, are computed here for the first observed tracks,
    from the bigWigs of this run, if there are any.

    Raises
    ------
    UserError
        If a bigWig is missing or damaged.
    """
    entries, stems = evaluation.observed, name_rows(plan.tracks)
    compared: list[tuple[Observed, Agreement]] = []
    loci: list[Picture] = []
    for i, entry in enumerate(entries[:COMPARED] if bigwigs else ()):
        file = folder.bigwig / f"{plan.tracks[stems[entry.track]].track}.bw"
        found = compare_windows(plan, file, entry, evaluation=evaluation)
        compared.append((entry, found))
        if i < 2:
            for word, window in pick_extremes(found.windows):
                curves = cut_curves(plan, file, entry, window)
                png = encode_locus(window.locus, tracks=curves, dpi=DPI)
                loci.append(_caption(png, word, window, entry))
    scatters = [
        read_figure(
            folder, f"scatter_{i}.png", alt=f"{entry.track} against {observed_label(entry)}"
        )
        for i, entry in enumerate(entries[:SHOWN])
    ]
    return ObservedPart(
        rows=_list_rows(facts, compared),
        notes=_list_notes(evaluation, compared),
        scatters=[picture for picture in scatters if picture],
        loci=loci,
    )


def _caption(png: bytes, word: str, window: ComparedWindow, entry: Observed) -> Picture:
    locus = window.locus
    where = f"{locus.contig}:{locus.start:,}\N{EN DASH}{locus.end:,}"
    r = format_r(window.pearson)
    text = f"{entry.track} and {observed_label(entry)}: {word} agreement, r = {r}"
    return make_picture(png, alt=f"{text}, {where}", caption=f"{text}.", dpi=DPI)


def _list_rows(facts: Facts, compared: list[tuple[Observed, Agreement]]) -> list[ObservedRow]:
    """The rows over all contigs, and after each pair's those of the other bins."""
    train = {(e.track, observed_label(e)): found.train for e, found in compared if found.train}
    rows: list[ObservedRow] = []
    for pair in dict.fromkeys((row.track, row.observed) for row in facts.correlations):
        own = [row for row in facts.correlations if (row.track, row.observed) == pair]
        rows += [_make_row(row) for row in own]
        if pair in train and len(own) > 1:
            bins, pearson, spearman = train[pair]
            rows.append(ObservedRow(*pair, PARTS["train"], bins, pearson, spearman))
    return rows


def _make_row(row: Correlation) -> ObservedRow:
    named = (row.track, row.observed, PARTS[row.bins_in])
    return ObservedRow(*named, row.bins, row.pearson, row.spearman)


def _list_notes(
    evaluation: EvaluationConfig, compared: list[tuple[Observed, Agreement]]
) -> list[str]:
    notes = []
    if compared:
        found = compared[0][1]
        read = f"{len(found.windows):,} of {found.possible:,}" if not found.whole else "all"
        windows = f"{read} windows of {found.width:,} bp"
        if any(each.train for _, each in compared):
            notes.append(f"Training bins: those that are not held out, in {windows}.")
        notes.append(
            f"Loci of the highest and the lowest Pearson correlation among {windows}: held-out "
            "ones if there are any; of these, the half in which the observed track varies most."
        )
    left = len(evaluation.observed)
    if left > COMPARED:
        notes.append(f"Windows were compared for the first {COMPARED} of {left:,} observed tracks.")
    if left > SHOWN:
        notes.append(f"Scatters of the first {SHOWN} are shown; figures/ has all.")
    return notes
