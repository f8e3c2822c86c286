"""Stages before a prediction, one command each: from the config to the plan.

Heavy imports wait until a command needs them, so that `--help` and the light stages are quick.
"""

import argparse
import sys
from pathlib import Path

from genometracks.common.atomic import write_atomically
from genometracks.common.records import from_plain
from genometracks.config.settings import (
    EvaluationConfig,
    ForwardSettings,
    ModelConfig,
    PlanSettings,
)


def run_weights(args: argparse.Namespace) -> None:
    """Fetch a model's weights from the hub, with their commit and digest."""
    from genometracks.inputs.fetch import fetch_weights

    settings = args.settings
    found = fetch_weights(settings["weights"], args.out, sha256=settings["sha256"])
    print(f"{found.bytes:,} bytes of commit {found.revision}", file=sys.stderr)


def run_download(args: argparse.Namespace) -> None:
    """Fetch a genome's FASTA, with its digest."""
    from genometracks.inputs.fetch import fetch_genome

    settings = args.settings
    found = fetch_genome(settings["fasta"], args.out, sha256=settings["sha256"])
    print(f"{found.bytes:,} bytes, sha256 {found.sha256}", file=sys.stderr)


def run_model(args: argparse.Namespace) -> None:
    """Load a model, measure it, write model.json."""
    from genometracks.inputs.model import describe_model

    described = describe_model(from_plain(ModelConfig, args.settings), weights=args.weights)
    described.save(args.out)
    geometry = described.geometry
    bins = f"{geometry.length} bins of {geometry.bin} bp" if geometry.bin else "one value"
    tracks = len(described.tracks)
    print(f"{tracks} tracks; {geometry.window} bp in, {bins} out", file=sys.stderr)


def run_genome(args: argparse.Namespace) -> None:
    """Normalise a FASTA, write its index as genome.json."""
    from genometracks.inputs.genome import scan_fasta

    settings = args.settings
    fasta = Path(settings["fasta"])
    name = settings["name"] or fasta.name.removesuffix(".gz").rsplit(".", 1)[0]
    patterns, sha256 = settings["contigs"], settings.get("sha256")
    index = scan_fasta(fasta, args.fasta, name=name, patterns=patterns, sha256=sha256)
    index.save(args.out)
    bases = sum(contig.length for contig in index.contigs)
    unknown = sum(end - start for contig in index.contigs for start, end in contig.gaps)
    print(f"{len(index.contigs):,} contigs, {bases:,} bp, {unknown:,} of them N", file=sys.stderr)


def run_probe(args: argparse.Namespace) -> None:
    """Determine the window, precision and batch size that are `auto`: write probe.json."""
    from genometracks.inputs.model import ModelFile
    from genometracks.plan.probe_file import describe_probe, digest_probe, find_probe

    settings = from_plain(ForwardSettings, args.settings)
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
    print(describe_probe(found), file=sys.stderr)


def run_plan(args: argparse.Namespace) -> None:
    """Tile the genome: write plan.json."""
    from genometracks.inputs.genome import GenomeIndex
    from genometracks.inputs.model import ModelFile
    from genometracks.plan.make import make_plan
    from genometracks.plan.probe_file import Probe
    from genometracks.preflight.report import describe_start

    found = Probe.load(args.probe) if args.probe else None
    plan = make_plan(
        from_plain(PlanSettings, args.settings),
        ModelFile.load(args.model),
        GenomeIndex.load(args.genome),
        found=found,
    )
    plan.save(args.out)
    print(f"{plan.windows:,} windows in {len(plan.shards):,} shards", file=sys.stderr)
    print(describe_start(plan, found))  # to the terminal: what the run takes


def run_shards(args: argparse.Namespace) -> None:
    """Write the ids of the plan's shards, one a line."""
    from genometracks.plan.plan import Plan

    with write_atomically(args.out) as file:
        file.write("".join(f"{shard.id}\n" for shard in Plan.load(args.plan).shards).encode())


def run_tracks(args: argparse.Namespace) -> None:
    """Write tracks.tsv."""
    from genometracks.plan.plan import Plan
    from genometracks.tracks.table import write_tracks

    suffix = ".bw" if args.settings["bigwig"] else ""
    write_tracks(Plan.load(args.plan).tracks, args.out, suffix=suffix)


def run_observed(args: argparse.Namespace) -> None:
    """Check the observed tracks before hours are spent on predictions; write their digests."""
    from genometracks.evaluation.evaluate import check_observed
    from genometracks.export.manifest import write_observed
    from genometracks.plan.plan import Plan
    from genometracks.tracks.table import name_rows

    plan = Plan.load(args.plan)
    observed = args.settings["observed"]
    records = from_plain(EvaluationConfig, args.settings).observed
    check_observed(observed, tracks=name_rows(plan.tracks), lengths=plan.lengths)
    write_observed(args.out, records)
