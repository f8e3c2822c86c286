"""All commands: those for users, and the stages, which the workflow calls."""

import argparse
import difflib
import os
from collections.abc import Iterator, Sequence

from genometracks.commands import (
    browse,
    evaluate,
    explain,
    genome,
    init,
    merge,
    model,
    plan,
    predict,
    preflight,
    query,
    report,
    run,
    serve,
    status,
    summary,
    tracks,
    verify,
)
from genometracks.commands.arguments import Commands
from genometracks.config.stages import STAGES
from grelu_models import __version__

MODULES = (
    init,
    preflight,
    serve,
    status,
    query,
    verify,
    model,
    genome,
    plan,
    predict,
    merge,
    tracks,
    evaluate,
    browse,
    summary,
    report,
    run,
    explain,
)
TYPED = (
    "init",
    "run",
    "explain",
    "preflight",
    "status",
    "serve",
    "query",
    "verify",
    "rerun",
)
"""Commands that people type, in the order in which they need them."""


def parse_words(words: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; the result's `function` is the command's function.

    Without any word, the help is shown. For a shell that completes a line, the possible words are
    written instead. Both end the process, and so does an error, with status 2.
    """
    parser = argparse.ArgumentParser(
        prog="genometracks",
        usage="genometracks [-h] [--version] COMMAND ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"genometracks {__version__}",
        help="show the version and exit",
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
    if "_ARGCOMPLETE" in os.environ:
        _complete(parser)
    unknown = words[0] if words else ""
    if unknown and not unknown.startswith("-") and unknown not in commands.choices:
        parser.error(f"unknown command {unknown!r}: {_suggest(unknown, commands)}")
    return parser.parse_args(words or ["--help"])


def _list_commands(commands: Commands) -> Iterator[str]:
    """Yield the help in two groups; argparse supports only one list of commands."""
    groups = {
        "commands": _list_typed(commands),
        "stages, which the workflow calls in this order": STAGES,
    }
    yield "Genome-wide tracks of a DNA sequence model."
    width = max(map(len, commands.choices))
    for title, names in groups.items():
        yield f"\n{title}:"
        for name in names:
            yield f"  {name:<{width}}  {commands.choices[name].description}"


def _list_typed(commands: Commands) -> list[str]:
    return [name for name in TYPED if name in commands.choices]


def _suggest(unknown: str, commands: Commands) -> str:
    """Suggest the most similar command in place of an unknown one."""
    near = difflib.get_close_matches(unknown, [*_list_typed(commands), *STAGES], n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "genometracks --help lists the commands"


def _complete(parser: argparse.ArgumentParser) -> None:
    """Write the words that may follow, for the shell, and end the process."""
    try:
        import argcomplete
    except ModuleNotFoundError:  # in the environment of a job
        return
    argcomplete.autocomplete(parser)
