"""report.html of a run: what was run, at what cost, and what its tracks are like."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from genometracks.common.sealing import Seal, write_sealed
from genometracks.config.folders import RunFolder
from genometracks.config.sections import EvaluationConfig
from genometracks.evaluation.sites import site_label
from genometracks.evaluation.table import SiteScore
from genometracks.export.stage_times import StageTime
from genometracks.export.summary import list_seams
from genometracks.inputs.model import ModelFile
from genometracks.plan.plan import Plan
from genometracks.report.contigs import FIRST, ContigRow, describe_contigs, list_contigs
from genometracks.report.facts import (
    Facts,
    Size,
    Written,
    collect_facts,
    format_facts,
    read_written,
)
from genometracks.report.observed import ObservedRow, show_observed
from genometracks.report.pictures import show_curves, show_histograms
from genometracks.report.render import Picture, render
from genometracks.report.site_loci import show_site_loci
from genometracks.report.texts import (
    Card,
    Row,
    describe_borders,
    describe_cost,
    describe_genome,
    describe_model,
    describe_sample,
    list_cards,
    list_config,
)
from genometracks.report.values import (
    Sample,
    TrackValues,
    choose_shown,
    read_sample,
    read_track_values,
)

__all__ = ["write_report"]

COLUMNS = 6
"""Tracks whose means per contig are listed."""
LISTED = 8_000
"""Tracks that are listed: more than any published model has. It bounds the size of the file."""


@dataclass(frozen=True)
class Page:
    """What the template of a run's report shows."""

    run: str
    subtitle: str
    cards: list[Card]
    model: list[Row]
    genome: list[Row]
    config: list[Row]
    cost: list[Row]
    stages: Sequence[StageTime]
    shared: bool
    sizes: Sequence[Size]
    correlations: list[ObservedRow]
    correlation_notes: list[str]
    scatters: list[Picture]
    loci: list[Picture]
    sites: Sequence[SiteScore]
    curves: list[Picture]
    site_loci: list[Picture]
    all_tracks: int
    tracks: Sequence[TrackValues]
    has_seams: bool
    sampled: str
    histograms: list[Picture]
    contig_note: str
    contig_tracks: list[str]
    contigs: list[ContigRow]
    more_contigs: list[ContigRow]
    borders: list[Row]
    browsed: bool


def write_report(
    path: Path, plan: Plan, *, model: ModelFile, evaluation: EvaluationConfig, logs: Path
) -> Seal:
    """Write report.html of a finished run; return its seal.

    The file is complete in itself: nothing is loaded from elsewhere.

    Parameters
    ----------
    path : Path
        In the run's folder.
    plan : Plan
    model : ModelFile
    evaluation : EvaluationConfig
    logs : Path
        Folder of the stages' logs.

    Raises
    ------
    UserError
        If a result that the report describes is missing or damaged.
    """
    folder = RunFolder(path.parent)
    written = read_written(folder.manifest)
    borders = written.prediction.borders
    seams = list_seams(borders) if borders else None
    # Without output.bigwig, files of an earlier config or of single requests may be there.
    has_files = any(file.startswith("bigwig/") for file in written.outputs)
    tracks = read_track_values(plan, folder, seams=seams) if has_files else []
    facts = collect_facts(plan, folder, logs=logs, tracks=tracks)
    page = _make_page(plan, folder, facts, written, tracks, model=model, evaluation=evaluation)
    data = Markup(format_facts(facts))  # escaped by `format_facts`
    text = render("run.html.j2", page=page, facts=data, title=f"{facts.run}: report")
    with write_sealed(path) as file:
        file.write(text.encode())
    return file.sealed


def _make_page(
    plan: Plan,
    folder: RunFolder,
    facts: Facts,
    written: Written,
    tracks: Sequence[TrackValues],
    *,
    model: ModelFile,
    evaluation: EvaluationConfig,
) -> Page:
    rows = choose_shown(tracks)
    samples: list[Sample] = [read_sample(plan, folder, row) for row in rows]
    observed = show_observed(plan, folder, facts, evaluation=evaluation, bigwigs=bool(tracks))
    borders = written.prediction.borders
    seams = list_seams(borders) if borders else None
    contig_rows = rows[:COLUMNS]
    contigs = list_contigs(plan, folder, contig_rows)
    sites = [(entry.track, site_label(entry)) for entry in evaluation.sites]
    return Page(
        run=facts.run,
        subtitle=f"{facts.model} on {facts.genome}: {len(plan.tracks):,} "
        f"track{'s' * (len(plan.tracks) != 1)} of {plan.bins:,} bins",
        cards=list_cards(plan, facts),
        model=describe_model(plan, model),
        genome=describe_genome(plan),
        config=list_config(written),
        cost=describe_cost(plan, facts, written),
        stages=facts.stages,
        shared=not any(stage.stage == "model" for stage in facts.stages),
        sizes=facts.sizes,
        correlations=observed.rows,
        correlation_notes=observed.notes,
        scatters=observed.scatters,
        loci=observed.loci,
        sites=facts.sites,
        curves=show_curves(folder, sites),
        site_loci=show_site_loci(plan, folder, evaluation=evaluation) if tracks else [],
        all_tracks=len(tracks),
        tracks=tracks[:LISTED],
        has_seams=seams is not None,
        sampled=describe_sample(plan, rows, samples),
        histograms=show_histograms(plan, rows, samples, scale=model.scale),
        contig_note=describe_contigs(plan, shown=len(contig_rows)),
        contig_tracks=[plan.tracks[row].name for row in contig_rows],
        contigs=contigs[:FIRST],
        more_contigs=contigs[FIRST:],
        borders=describe_borders(plan, seams, borders.bins if borders else 0),
        browsed="page/index.html" in written.outputs,
    )
