"""Registration of commands, and arguments that several commands take."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from genometracks.common.json_text import parse_json
from genometracks.common.records import from_plain
from genometracks.config.folders import RunFolder
from genometracks.config.sections import Config

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Type of `ArgumentParser.add_subparsers()`."""


def add_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    """Add a command that calls `run` with its arguments.

    The first line of `run`'s docstring is the command's help.
    """
    parser = commands.add_parser(name, description=(run.__doc__ or "").split("\n")[0])
    parser.set_defaults(function=run)
    return parser


def add_settings(parser: argparse.ArgumentParser, kind: type) -> None:
    """Add `--settings`: JSON of the resolved config or of a part of it, parsed as a record."""
    parser.add_argument(
        "--settings",
        required=True,
        type=partial(_parse_settings, kind),
        help="the part of the resolved config that the stage needs, as JSON",
    )


def _parse_settings(kind: type, text: str) -> object:
    try:
        plain = parse_json(text)
        return Config.of(plain) if kind is Config else from_plain(kind, plain)
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"cannot be read as {kind.__name__}: {error}") from error


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add `--plan`."""
    parser.add_argument("--plan", required=True, type=Path, help="plan.json")


def add_out(parser: argparse.ArgumentParser, what: str = "file to write") -> None:
    """Add `--out`."""
    parser.add_argument("--out", required=True, type=Path, help=what)


def add_seal(parser: argparse.ArgumentParser) -> None:
    """Add `--seal`; `find_seal` returns its value."""
    what = "file to write the digests of the results to; default: work/seals/COMMAND.json"
    parser.add_argument("--seal", type=Path, help=what)


def find_seal(args: argparse.Namespace) -> Path:
    """File of the seals of a command's results."""
    given: Path | None = args.seal
    return given or RunFolder.of_plan(args.plan).seals / f"{args.command}.json"


def add_fasta(parser: argparse.ArgumentParser, what: str = "the normalised FASTA") -> None:
    """Add `--fasta`."""
    parser.add_argument("--fasta", required=True, type=Path, help=what)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add `--device`, and the number of `--threads` on it."""
    parser.add_argument("--device", default="auto", help="auto (the default), cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; default is 1")


def add_processes(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`, the number of processes of a stage."""
    parser.add_argument("--threads", type=int, default=1, help="processes; default is 1")
