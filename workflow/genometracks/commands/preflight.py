"""Cost of a run, before it is started."""

import argparse
from pathlib import Path

from genometracks.commands.arguments import Commands, add_command


def add_commands(commands: Commands) -> None:
    """Add `preflight`."""
    parser = add_command(commands, "preflight", run_preflight)
    parser.add_argument("config", type=Path, help="a run's config, YAML")
    parser.add_argument("--run", help="name of the run, if the config names a sheet of runs")
    parser.add_argument("--json", type=Path, help="file to write the numbers to, as JSON")


def run_preflight(args: argparse.Namespace) -> None:
    """Measure the cost of a run before it is started: windows, bytes, hours, memory."""
    from genometracks.preflight.measure import preflight

    print(preflight(args.config, name=args.run, json_to=args.json))
