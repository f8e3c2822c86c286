"""A first config."""

import argparse
from pathlib import Path

from genometracks.commands.arguments import Commands, add_command

DEFAULT = Path("my_run.yaml")


def add_commands(commands: Commands) -> None:
    """Add `init`."""
    parser = add_command(commands, "init", run_init)
    what = f"config to write, which must not exist; default: {DEFAULT}"
    parser.add_argument("config", type=Path, nargs="?", default=DEFAULT, help=what)
    parser.add_argument("--fasta", help="the genome, or its address")
    what = "weights of the model, local or repo@revision:file; several are folds"
    parser.add_argument("--weights", nargs="+", default=[], help=what)
    parser.add_argument("--annotation", help="GFF3, GTF or BED file of genes")


def run_init(args: argparse.Namespace) -> None:
    """Write a first config, with what a FASTA and weights say about themselves."""
    from genometracks.starter.init import Given, init

    print(init(args.config, Given(args.fasta, tuple(args.weights), args.annotation)))
