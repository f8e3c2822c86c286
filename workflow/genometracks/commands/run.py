"""A whole run, from the config to the results."""

import argparse
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from genometracks.commands.arguments import Commands, add_command

LOCAL = "local"
"""Profile whose jobs run on this machine."""


def add_commands(commands: Commands) -> None:
    """Add `run`."""
    parser = add_command(commands, "run", run_run)
    parser.usage = (
        "genometracks run [-h] [-n] [--profile PROFILE] [--cores N] CONFIG [-- OPTION ...]"
    )
    parser.add_argument("config", metavar="CONFIG", type=Path, help="a config, YAML")
    parser.add_argument(
        "--profile",
        default=LOCAL,
        help="local (the default), slurm, or the folder of a Snakemake profile",
    )
    parser.add_argument(
        "--cores", type=int, metavar="N", help="CPU cores; default: all, or what the profile says"
    )
    parser.add_argument(
        "-n",
        "--dry-run",
        action="store_true",
        help="only explain what would run, like `genometracks explain`",
    )
    parser.epilog = "Words after `--` are options of Snakemake, such as -- --until merge."
    vars(parser).update(parse_known_args=partial(_parse, parser.parse_known_args, parser.error))


def _parse(
    parse: Callable[..., tuple[argparse.Namespace, list[str]]],
    fail: Callable[[str], object],
    words: Sequence[str],
    namespace: argparse.Namespace | None = None,
) -> tuple[argparse.Namespace, list[str]]:
    """Parse the words before `--`; argparse would take the others for its own arguments."""
    cut = list(words).index("--") if "--" in words else len(words)
    found, unknown = parse(words[:cut], namespace)
    found.more = list(words[cut + 1 :])
    if unknown:
        fail(
            f"{shlex.join(unknown)}: not an option of genometracks run: options of Snakemake go "
            f"after --, as in: genometracks run CONFIG -- {shlex.join(unknown)}"
        )
    return found, unknown


def run_run(args: argparse.Namespace) -> None:
    """Run a config: start the workflow, show its progress, and name the results."""
    from genometracks.launch.arguments import write_arguments
    from genometracks.launch.project import read_project

    project = read_project(args.config)
    words = write_arguments(args.config, profile=args.profile, cores=args.cores, more=args.more)
    if args.dry_run:
        from genometracks.launch.foresee import explain_project

        print(explain_project(project, words))
        return
    from genometracks.launch.workflow import run_workflow

    print(run_workflow(project, words, standby=args.profile == LOCAL))
