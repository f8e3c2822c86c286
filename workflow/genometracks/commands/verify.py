"""Proof of finished runs: `verify`, and repetition from a manifest: `rerun`."""

import argparse
from pathlib import Path

from genometracks.commands.arguments import Commands, add_command
from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError


def add_commands(commands: Commands) -> None:
    """Add `verify` and `rerun`."""
    parser = add_command(commands, "verify", run_verify)
    parser.add_argument("folder", type=Path, help="folder of a run, or of several runs")
    parser.add_argument("--json", type=Path, help="file to write the result to, as JSON")

    parser = add_command(commands, "rerun", run_rerun)
    parser.add_argument(
        "manifest", type=Path, help="results/RUN, a finished run, or its manifest.json"
    )
    parser.add_argument("--results", type=Path, required=True, help="folder for the new run")
    parser.add_argument("--cores", type=int, default=1, help="jobs at once; default is 1")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replace a value of the config, e.g. genome.fasta=hg38.fa; may be repeated",
    )


def run_verify(args: argparse.Namespace) -> None:
    """Compare results, shards and inputs of finished runs with their seals."""
    from tqdm import tqdm

    from genometracks.verify.run import list_verifiable, measure_run, verify_run
    from genometracks.verify.verdict import describe_verdict, format_verdicts

    single = (args.folder / "work").is_dir() or (args.folder / "manifest.json").is_file()
    runs = [args.folder] if single else list_verifiable(args.folder)
    if not runs:
        raise UserError(f"{args.folder}: no finished run in this folder: give results/RUN")
    verdicts = []
    total = sum(map(measure_run, runs))
    # No bar in a log file.
    with tqdm(total=total, unit="B", unit_scale=True, disable=None, leave=False) as bar:
        for run in runs:
            verdict = verify_run(run, report=bar.update)
            verdicts.append(verdict)
            tqdm.write(describe_verdict(verdict))
    if args.json:
        with write_atomically(args.json) as file:
            file.write(format_verdicts(verdicts).encode() + b"\n")
    damaged = sum(len(verdict.damaged) for verdict in verdicts)
    if damaged:
        raise UserError(f"{damaged:,} of the files above are not as they were written")


def run_rerun(args: argparse.Namespace) -> None:
    """Repeat a run from its manifest, and compare the results."""
    from genometracks.verify.rerun import rerun

    print(rerun(args.manifest, args.results, changes=args.set, cores=args.cores))
