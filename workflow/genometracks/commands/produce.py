"""Prediction and the stages after it, one command each: from the plan to the results.

Heavy imports wait until a command needs them, so that `--help` and the light stages are quick.
"""

import argparse
import os
import sys
from pathlib import Path

from genometracks.common.records import from_plain
from genometracks.config.settings import Config, EvaluationConfig


def run_predict(args: argparse.Namespace) -> None:
    """Predict one shard, unless it is there already."""
    from genometracks.plan.plan import Plan
    from genometracks.shards.shard import write_shard
    from genometracks.shards.sidecar import read_sidecar, shard_paths

    plan = Plan.load(args.plan)
    shard = plan.shard(args.shard)
    if read_sidecar(_shards(args), plan, shard) is not None:
        print(f"shard {shard.id} is complete: nothing to predict", file=sys.stderr)
        for path in shard_paths(_shards(args), shard.id):
            os.utime(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    from genometracks.common.prefetch import prefetch
    from genometracks.common.progress import Progress
    from genometracks.inputs.bases import Bases
    from genometracks.predict.device import prepare_device
    from genometracks.predict.predict import ShardPrediction, load_planned_model

    device = prepare_device(args.device, threads=args.threads, claim=True)
    bases = Bases(args.fasta)
    with ThreadPoolExecutor(1) as thread:
        unchanged = thread.submit(bases.check, plan.shard_contigs(shard))
        model = load_planned_model(plan)
        unchanged.result()
    prediction = ShardPrediction(
        plan,
        bases,
        model=model,
        shard=shard,
        device=device,
        report=Progress(
            f"shard {shard.id} on {device}", bases=plan.geometry.owned * plan.geometry.bin
        ),
    )
    pieces = prefetch(prediction.pieces())  # the model works on while this thread writes
    write_shard(_shards(args), plan, shard, pieces=pieces, notes=prediction.notes)


def run_merge(args: argparse.Namespace) -> None:
    """Prove that the shards are complete; write merge.json."""
    from genometracks.plan.plan import Plan
    from genometracks.shards.merge import check_shards, save_merged

    plan = Plan.load(args.plan)
    save_merged(args.out, check_shards(plan, _shards(args)))
    print(f"{plan.bins:,} bins, each predicted once", file=sys.stderr)


def run_bigwig(args: argparse.Namespace) -> None:
    """Write one bigWig a track, of all or some, into the folder bigwig of the plan's run."""
    from genometracks.export.bigwigs import write_bigwigs
    from genometracks.plan.plan import Plan

    plan = Plan.load(args.plan)
    folder = args.plan.parents[1] / "bigwig"
    rows = range(len(plan.tracks))[args.rows]
    sidecars = _sidecars(args, plan)
    write_bigwigs(plan, _shards(args), folder, sidecars=sidecars, rows=rows, processes=args.threads)


def run_parquet(args: argparse.Namespace) -> None:
    """Write the Parquet data set."""
    from genometracks.export.parquet import write_parquet
    from genometracks.plan.plan import Plan

    plan = Plan.load(args.plan)
    sidecars = _sidecars(args, plan)
    write_parquet(plan, _shards(args), args.out, sidecars=sidecars, processes=args.threads)


def run_evaluate(args: argparse.Namespace) -> None:
    """Compare with the observed tracks: evaluation.tsv and figures."""
    from genometracks.evaluation.draw import draw_evaluation, list_held_out
    from genometracks.evaluation.evaluate import evaluate, write_evaluation
    from genometracks.plan.plan import Plan
    from genometracks.shards.merge import read_tracks
    from genometracks.tracks.table import name_rows

    plan = Plan.load(args.plan)
    sidecars = _sidecars(args, plan)
    rows = name_rows(plan.tracks)

    def predictions(track: str):
        row = rows[track]
        for contig, first, values in read_tracks(
            plan, _shards(args), sidecars=sidecars, rows=range(row, row + 1)
        ):
            yield contig, first, values[0].astype("float32", copy=False)

    table = evaluate(
        predictions,
        args.settings["observed"],
        tracks=rows,
        step=plan.geometry.bin,
        span=plan.geometry.span,
        lengths=plan.lengths,
        held_out=list_held_out(args.settings),
    )
    draw_evaluation(
        args.figures, plan, predictions=predictions, evaluation=args.settings, rows=table
    )
    write_evaluation(table, args.out)


def run_manifest(args: argparse.Namespace) -> None:
    """Write manifest.json over the results that are there."""
    from genometracks.export.manifest import read_observed, write_manifest
    from genometracks.plan.plan import Plan

    plan, beside = Plan.load(args.plan), args.plan.parent / "observed.json"
    write_manifest(
        args.out,
        plan,
        config=Config.of(args.settings),
        sidecars=_sidecars(args, plan),
        observed=read_observed(beside) if args.settings["evaluation"]["observed"] else [],
    )


def run_summary(args: argparse.Namespace) -> None:
    """Write and print the summary."""
    from genometracks.export.summary import write_summary
    from genometracks.plan.plan import Plan

    plan = Plan.load(args.plan)
    text = write_summary(
        args.out, plan, evaluation=from_plain(EvaluationConfig, args.settings), logs=args.logs
    )
    print(text, file=sys.stderr)


def _shards(args: argparse.Namespace) -> Path:
    """The shards stand beside the plan."""
    return args.plan.parent / "shards"


def _sidecars(args: argparse.Namespace, plan) -> list[dict]:
    """What merge proved; where that is stale or missing, prove it again."""
    from genometracks.shards.merge import find_merged

    return find_merged(args.plan.parent / "merge.json", plan, _shards(args))
