"""Proof that the shards are complete, and its use by the later stages."""

import argparse
import logging
from typing import TYPE_CHECKING

from genometracks.commands.arguments import Commands, add_command, add_out, add_plan
from genometracks.config.folders import RunFolder

if TYPE_CHECKING:
    from genometracks.plan.plan import Plan
    from genometracks.shards.sidecar import Sidecar

LOG = logging.getLogger(__name__)


def add_commands(commands: Commands) -> None:
    """Add `merge`."""
    parser = add_command(commands, "merge", run_merge)
    add_plan(parser)
    add_out(parser, "merge.json to write")


def run_merge(args: argparse.Namespace) -> None:
    """Prove that the shards are complete; write merge.json."""
    from genometracks.plan.plan import Plan
    from genometracks.shards.merge import check_shards, save_merged
    from genometracks.shards.provenance import combine_notes
    from genometracks.shards.underflow import describe_underflow

    plan = Plan.load(args.plan)
    sidecars = check_shards(plan, RunFolder.of_plan(args.plan).shards)
    save_merged(args.out, sidecars)
    LOG.info(f"{plan.bins:,} bins, each predicted once")
    names = [track.name for track in plan.tracks]
    if note := describe_underflow(combine_notes(sidecars).underflow, names=names, bins=plan.bins):
        LOG.warning(note)


def find_sidecars(plan: "Plan", folder: RunFolder) -> "list[Sidecar]":
    """Return the valid sidecars: from merge.json, or proved again if it is not valid."""
    from genometracks.shards.merge import find_merged

    return find_merged(folder.merged, plan, folder.shards)


def withdraw_proof(folder: RunFolder, *, results: bool = False) -> None:
    """Delete merge.json, so that the next run checks the shards again and repairs them.

    Called if a shard is found missing, stale or damaged after it was merged.

    Parameters
    ----------
    folder : RunFolder
    results : bool
        Whether to delete the manifest, the RO-Crate, the summary and the report, too. Default is
        False.
    """
    described = [folder.manifest, folder.crate, folder.summary, folder.report]
    proofs = [folder.merged, *(described if results else [])]
    for proof in proofs:
        try:
            proof.unlink(missing_ok=True)
        except OSError as error:
            LOG.warning(
                f"{proof}: cannot be deleted: {error.strerror}: it states that the run is "
                "complete, which is no longer true: delete it before the next run"
            )
