"""The genome: its FASTA, and genome.json."""

import argparse
import logging
import os
from pathlib import Path

from genometracks.commands.arguments import (
    Commands,
    add_command,
    add_fasta,
    add_out,
    add_settings,
)
from genometracks.config.settings import ScanSettings, Source
from genometracks.errors import UserError

LOG = logging.getLogger(__name__)


def add_commands(commands: Commands) -> None:
    """Add `download` and `genome`."""
    parser = add_command(commands, "download", run_download)
    add_settings(parser, Source)
    add_out(parser)

    parser = add_command(commands, "genome", run_genome)
    add_settings(parser, ScanSettings)
    add_fasta(parser, "file for the normalised FASTA")
    add_out(parser, "genome.json to write")


def run_download(args: argparse.Namespace) -> None:
    """Download a genome's FASTA, and record its digest."""
    from genometracks.inputs.fetch import fetch_genome

    settings: Source = args.settings
    found = fetch_genome(_find_address(settings), args.out, sha256=settings.sha256)
    LOG.info(f"{found.bytes:,} bytes, sha256 {found.sha256}")


def _find_address(settings: Source) -> str:
    """The address with its secrets, which are not on the command line."""
    if settings.variable is None:
        return settings.fasta
    if settings.variable not in os.environ:
        raise UserError(
            f"{settings.fasta}: its user or query is expected in the environment, as "
            f"{settings.variable}, which Snakemake sets: start it again"
        )
    return os.environ[settings.variable]


def run_genome(args: argparse.Namespace) -> None:
    """Normalise a FASTA; write genome.fa and genome.json."""
    from genometracks.inputs.genome import name_genome, scan_fasta

    settings: ScanSettings = args.settings
    fasta = Path(settings.fasta)
    index = scan_fasta(
        fasta,
        args.fasta,
        name=name_genome(settings.name, fasta),
        patterns=list(settings.contigs),
        sha256=settings.sha256,
    )
    index.save(args.out)
    bases = sum(contig.length for contig in index.contigs)
    unknown = sum(contig.unknown for contig in index.contigs)
    text = f"{len(index.contigs):,} contigs, {bases:,} bp, {unknown:,} of them N"
    ambiguous = sum(contig.ambiguous for contig in index.contigs)
    if ambiguous:
        share = f"{100 * ambiguous / bases:.2g}%"
        text += f"; {ambiguous:,} ambiguous letters ({share}) are read as N"
    LOG.info(text)
