"""All commands: those for users, and the stages, which the workflow calls."""

import argparse
from collections.abc import Iterator

from genometracks.commands import (
    evaluate,
    genome,
    merge,
    model,
    plan,
    predict,
    preflight,
    status,
    summary,
    tracks,
    verify,
)
from genometracks.commands.arguments import Commands
from genometracks.config.stages import STAGES

FOR_USERS = (preflight, status, verify)
MODULES = (*FOR_USERS, model, genome, plan, predict, merge, tracks, evaluate, summary)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line; it sets `function` to the command's function."""
    parser = argparse.ArgumentParser(
        prog="genometracks",
        usage="genometracks [-h] COMMAND ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        prog="genometracks",
        dest="command",
        required=True,
        metavar="COMMAND",
        help=argparse.SUPPRESS,
    )
    for module in MODULES:
        module.add_commands(commands)
    parser.description = "\n".join(_list_commands(commands))
    return parser


def _list_commands(commands: Commands) -> Iterator[str]:
    """Yield the help in two groups; argparse supports only one list of commands."""
    typed = [name for name in commands.choices if name not in STAGES]
    groups = {"commands": typed, "stages, which the workflow calls in this order": STAGES}
    yield "Genome-wide tracks of a DNA sequence model."
    for title, names in groups.items():
        yield f"\n{title}:"
        for name in names:
            yield f"  {name:<9}  {commands.choices[name].description}"
