"""The plan: settings left at `auto`, windows, shards."""

import argparse
import logging
from pathlib import Path

from genometracks.commands.arguments import (
    Commands,
    add_command,
    add_device,
    add_fasta,
    add_out,
    add_plan,
    add_settings,
)
from genometracks.commands.merge import withdraw_proof
from genometracks.common.atomic import write_atomically
from genometracks.config.folders import RunFolder
from genometracks.config.settings import ForwardSettings, PlanSettings

LOG = logging.getLogger(__name__)


def add_commands(commands: Commands) -> None:
    """Add `probe`, `plan` and `shards`."""
    parser = add_command(commands, "probe", run_probe)
    add_settings(parser, ForwardSettings)
    _add_prepared(parser)
    add_fasta(parser)
    add_device(parser)
    add_out(parser, "probe.json to write; reused if it was made from the same inputs")

    parser = add_command(commands, "plan", run_plan)
    add_settings(parser, PlanSettings)
    _add_prepared(parser)
    parser.add_argument("--probe", type=Path, help="probe.json, if a setting is left at auto")
    add_out(parser, "plan.json to write")

    parser = add_command(commands, "shards", run_shards)
    add_plan(parser)
    add_out(parser)


def _add_prepared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, type=Path, help="model.json")
    parser.add_argument("--genome", required=True, type=Path, help="genome.json")


def run_probe(args: argparse.Namespace) -> None:
    """Determine settings that are left at auto; write probe.json."""
    from genometracks.inputs.model import ModelFile
    from genometracks.plan.probe_file import describe_probe, digest_probe, find_probe

    settings: ForwardSettings = args.settings
    model = ModelFile.load(args.model)
    digest = digest_probe(settings, model, device=args.device)
    found = find_probe(args.out, digest)
    if found is None:
        from genometracks.inputs.bases import Bases
        from genometracks.inputs.genome import GenomeIndex
        from genometracks.predict.device import prepare_device
        from genometracks.preflight.probe import probe_run

        found = probe_run(
            settings,
            model,
            GenomeIndex.load(args.genome),
            bases=Bases(args.fasta),
            device=prepare_device(args.device, threads=args.threads, claim=True),
            digest=digest,
        )
    found.save(args.out)
    LOG.info(describe_probe(found))


def run_plan(args: argparse.Namespace) -> None:
    """Divide the genome into windows and shards; write plan.json."""
    from genometracks.inputs.genome import GenomeIndex
    from genometracks.inputs.model import ModelFile
    from genometracks.plan.make import make_plan
    from genometracks.plan.probe_file import Probe
    from genometracks.preflight.report import describe_start

    settings: PlanSettings = args.settings
    found = Probe.load(args.probe) if args.probe else None
    model, genome = ModelFile.load(args.model), GenomeIndex.load(args.genome)
    plan = make_plan(settings, model, genome, found=found)
    # Also if clocks are wrong, the results of an earlier plan must not pass for those of this one.
    withdraw_proof(RunFolder.of_plan(args.out), results=True)
    plan.save(args.out)
    LOG.info(f"{plan.windows:,} windows in {len(plan.shards):,} shards")
    print(describe_start(plan, found))  # stdout is the terminal of Snakemake


def run_shards(args: argparse.Namespace) -> None:
    """Write the ids of the plan's shards, one per line."""
    from genometracks.plan.plan import Plan

    with write_atomically(args.out) as file:
        file.write("".join(f"{shard.id}\n" for shard in Plan.load(args.plan).shards).encode())
