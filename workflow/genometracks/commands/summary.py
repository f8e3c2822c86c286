"""The end of a run: manifest.json, the RO-Crate and summary.txt."""

import argparse
import logging
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
from genometracks.commands.merge import find_sidecars
from genometracks.config.folders import RunFolder
from genometracks.config.sections import Config, EvaluationConfig

LOG = logging.getLogger(__name__)


def add_commands(commands: Commands) -> None:
    """Add `manifest` and `summary`."""
    parser = add_command(commands, "manifest", run_manifest)
    add_settings(parser, Config)
    add_plan(parser)
    what = "files of seals of all results; default: those in work/seals"
    parser.add_argument("--seals", type=Path, nargs="+", help=what)
    add_out(parser, "manifest.json to write")
    add_seal(parser)

    parser = add_command(commands, "summary", run_summary)
    add_settings(parser, EvaluationConfig)
    add_plan(parser)
    parser.add_argument("--logs", required=True, type=Path, help="folder of the stages' logs")
    add_out(parser, "summary.txt to write")
    add_seal(parser)


def run_manifest(args: argparse.Namespace) -> None:
    """Write manifest.json, with the digest of every result, and the RO-Crate beside it."""
    from genometracks.export.crate import write_crate
    from genometracks.export.manifest import read_observed, write_manifest
    from genometracks.export.seals import check_results, list_seals, save_seals
    from genometracks.plan.plan import Plan

    plan, folder = Plan.load(args.plan), RunFolder.of_plan(args.plan)
    config: Config = args.settings
    evaluated = config.evaluation.observed or config.evaluation.sites
    observed = read_observed(folder.observed) if evaluated else []
    results = list(check_results(folder, args.seals or list_seals(folder)))
    manifest = write_manifest(
        args.out,
        plan,
        config=config,
        sidecars=find_sidecars(plan, folder),
        observed=observed,
        results=results,
    )
    crate = write_crate(
        args.out.with_name(folder.crate.name),
        plan,
        config=config,
        observed=observed,
        results=results,
        manifest=manifest,
    )
    save_seals(find_seal(args), folder, [manifest, crate])


def run_summary(args: argparse.Namespace) -> None:
    """Write summary.txt, and its text to the log."""
    from genometracks.export.seals import save_seals
    from genometracks.export.summary import write_summary
    from genometracks.plan.plan import Plan

    plan, evaluation = Plan.load(args.plan), args.settings
    text, seal = write_summary(args.out, plan, evaluation=evaluation, logs=args.logs)
    save_seals(find_seal(args), RunFolder.of_plan(args.plan), [seal])
    LOG.info(text)
