"""The prediction of one shard."""

import argparse
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from genometracks.commands.arguments import (
    Commands,
    add_command,
    add_device,
    add_fasta,
    add_plan,
)
from genometracks.common.progress import Progress, ProgressFile
from genometracks.config.folders import RunFolder

if TYPE_CHECKING:
    from genometracks.plan.plan import Plan, Shard

LOG = logging.getLogger(__name__)


def add_commands(commands: Commands) -> None:
    """Add `predict`."""
    parser = add_command(commands, "predict", run_predict)
    add_plan(parser)
    parser.add_argument("--shard", required=True, help="id of the shard")
    add_fasta(parser)
    add_device(parser)


def run_predict(args: argparse.Namespace) -> None:
    """Predict one shard, unless it is complete already."""
    from genometracks.plan.plan import Plan
    from genometracks.shards.sidecar import read_sidecar, shard_paths

    plan, folder = Plan.load(args.plan), RunFolder.of_plan(args.plan)
    shard = plan.shard(args.shard)
    path = folder.progress / f"{shard.id}.json"
    with ProgressFile(path, shard.id, shard.windows) as progress:
        if read_sidecar(folder.shards, plan, shard) is None:
            _predict(
                plan,
                shard,
                folder.shards,
                fasta=args.fasta,
                device=args.device,
                threads=args.threads,
                progress=progress,
            )
            return
        LOG.info(f"shard {shard.id} is complete: nothing to predict")
        for path in shard_paths(folder.shards, shard.id):
            os.utime(path)


def _predict(
    plan: "Plan",
    shard: "Shard",
    out: Path,
    *,
    fasta: Path,
    device: str,
    threads: int,
    progress: ProgressFile,
) -> None:
    """Predict a shard, and write it while it is predicted."""
    from concurrent.futures import ThreadPoolExecutor

    from genometracks.common.prefetch import prefetch
    from genometracks.inputs.bases import Bases
    from genometracks.predict.device import prepare_device
    from genometracks.predict.predict import ShardPrediction, load_planned_model
    from genometracks.shards.shard import write_shard

    used = prepare_device(device, threads=threads, claim=True)
    bases = Bases(fasta)
    with ThreadPoolExecutor(1) as thread:
        unchanged = thread.submit(bases.check, plan.shard_contigs(shard))
        model = load_planned_model(plan)
        unchanged.result()
    shown = Progress(f"shard {shard.id} on {used}", bases=plan.geometry.owned * plan.geometry.bin)

    def report(done: int, total: int) -> None:
        shown(done, total)
        progress(done, total)

    prediction = ShardPrediction(plan, bases, model=model, shard=shard, device=used, report=report)
    pieces = prefetch(prediction.pieces())  # predicted in a thread, while this one writes
    write_shard(out, plan, shard, pieces=pieces, notes=prediction.notes)
