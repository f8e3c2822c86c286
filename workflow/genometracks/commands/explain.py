"""What a run would do, and why."""

import argparse
from pathlib import Path

from genometracks.commands.arguments import Commands, add_command


def add_commands(commands: Commands) -> None:
    """Add `explain`."""
    parser = add_command(commands, "explain", run_explain)
    parser.add_argument("config", metavar="CONFIG", type=Path, help="a config, YAML")


def run_explain(args: argparse.Namespace) -> None:
    """Explain which stages would run, and why: changed keys, inputs, missing files."""
    from genometracks.launch.arguments import write_arguments
    from genometracks.launch.foresee import explain_project
    from genometracks.launch.project import read_project

    project = read_project(args.config)
    print(explain_project(project, write_arguments(args.config)))
