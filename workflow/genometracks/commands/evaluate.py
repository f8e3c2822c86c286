"""Comparison with observed tracks and with annotated sites."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genometracks.commands.arguments import (
    Commands,
    add_command,
    add_out,
    add_plan,
    add_seal,
    add_settings,
    find_seal,
)
from genometracks.commands.merge import find_sidecars
from genometracks.config.folders import RunFolder
from genometracks.config.sections import EvaluationConfig

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from genometracks.plan.plan import Plan

    Predictions = Callable[[str], Iterator[tuple[str, int, npt.NDArray[np.float32]]]]


def add_commands(commands: Commands) -> None:
    """Add `observed` and `evaluate`."""
    parser = add_command(commands, "observed", run_observed)
    add_settings(parser, EvaluationConfig)
    add_plan(parser)
    add_out(parser)

    parser = add_command(commands, "evaluate", run_evaluate)
    add_settings(parser, EvaluationConfig)
    add_plan(parser)
    parser.add_argument("--figures", required=True, type=Path, help="folder for the figures")
    add_out(parser, "evaluation.tsv to write")
    add_seal(parser)


def run_observed(args: argparse.Namespace) -> None:
    """Check observed tracks and sites before anything is predicted; write their digests."""
    from genometracks.evaluation.observed import check_observed
    from genometracks.evaluation.site_bins import Grid, check_sites
    from genometracks.export.manifest import write_observed
    from genometracks.plan.plan import Plan
    from genometracks.tracks.table import name_rows

    settings: EvaluationConfig = args.settings
    plan = Plan.load(args.plan)
    tracks = list(name_rows(plan.tracks))
    check_observed(settings.observed, tracks=tracks, lengths=plan.lengths)
    check_sites(settings.sites, tracks=tracks, grid=Grid.of_plan(plan))
    write_observed(args.out, settings)


def run_evaluate(args: argparse.Namespace) -> None:
    """Compare with observed tracks and sites: evaluation.tsv and figures."""
    from genometracks.evaluation.draw import draw_evaluation
    from genometracks.evaluation.evaluate import evaluate
    from genometracks.evaluation.evaluate_sites import evaluate_sites
    from genometracks.evaluation.site_bins import Grid
    from genometracks.evaluation.site_figure import draw_sites
    from genometracks.evaluation.table import write_evaluation
    from genometracks.export.seals import save_seals
    from genometracks.plan.plan import Plan
    from genometracks.tracks.table import name_rows

    settings: EvaluationConfig = args.settings
    plan = Plan.load(args.plan)
    rows = name_rows(plan.tracks)
    folder = RunFolder.of_plan(args.plan)
    predictions = read_predictions(plan, folder, rows=rows)
    table = evaluate(
        predictions,
        settings.observed,
        tracks=rows,
        step=plan.geometry.bin,
        span=plan.geometry.span,
        lengths=plan.lengths,
        held_out=settings.held_out,
    )
    sites, curves = evaluate_sites(
        predictions,
        settings.sites,
        tracks=list(rows),
        grid=Grid.of_plan(plan),
        held_out=settings.held_out,
    )
    seals = draw_evaluation(
        args.figures, plan, predictions=predictions, evaluation=settings, rows=table
    )
    seals += [draw_sites(args.figures / f"sites_{i}.png", each) for i, each in enumerate(curves)]
    save_seals(find_seal(args), folder, [*seals, write_evaluation(table, args.out, sites=sites)])


def read_predictions(plan: "Plan", folder: RunFolder, *, rows: dict[str, int]) -> "Predictions":
    """A function that streams a track by its name: contig, first bin, float32 values (bins,)."""
    from genometracks.shards.merge import read_tracks

    sidecars = find_sidecars(plan, folder)

    def predictions(track: str) -> "Iterator[tuple[str, int, npt.NDArray[Any]]]":
        row = rows[track]
        for contig, first, values in read_tracks(
            plan, folder.shards, sidecars=sidecars, rows=range(row, row + 1)
        ):
            yield contig, first, values[0].astype("float32", copy=False)

    return predictions
