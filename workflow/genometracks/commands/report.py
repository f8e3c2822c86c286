"""Reports: report.html of a run, and the one that compares the runs of a sheet."""

import argparse
from pathlib import Path

from genometracks.commands.arguments import (
    Commands,
    add_command,
    add_out,
    add_plan,
    add_seal,
    add_settings,
    find_seal,
)
from genometracks.config.folders import RunFolder
from genometracks.config.sections import EvaluationConfig


def add_commands(commands: Commands) -> None:
    """Add `report` and `compare`."""
    parser = add_command(commands, "report", run_report)
    add_settings(parser, EvaluationConfig)
    add_plan(parser)
    parser.add_argument("--model", required=True, type=Path, help="model.json")
    parser.add_argument("--logs", required=True, type=Path, help="folder of the stages' logs")
    add_out(parser, "report.html to write")
    add_seal(parser)

    parser = add_command(commands, "compare", run_compare)
    parser.add_argument(
        "--runs", required=True, type=Path, nargs="+", help="the runs' reports, report.html"
    )
    add_out(parser, "report.html of the sheet to write")


def run_report(args: argparse.Namespace) -> None:
    """Write report.html of a run."""
    from genometracks.export.seals import save_seals
    from genometracks.inputs.model import ModelFile
    from genometracks.plan.plan import Plan
    from genometracks.report.run_report import write_report

    plan, model = Plan.load(args.plan), ModelFile.load(args.model)
    seal = write_report(args.out, plan, model=model, evaluation=args.settings, logs=args.logs)
    save_seals(find_seal(args), RunFolder.of_plan(args.plan), [seal])


def run_compare(args: argparse.Namespace) -> None:
    """Write the report that compares the runs of a sheet."""
    from genometracks.report.sheet_report import write_comparison

    write_comparison(args.out, args.runs)
