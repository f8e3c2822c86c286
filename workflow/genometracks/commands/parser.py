"""The words of the command line."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

OPTIONS = {
    "config": {"type": Path, "help": "a run's config, YAML"},
    "folder": {"type": Path, "help": "a run's results, or the folder of many runs"},
    "run": {"help": "name of the run, where the config names a sheet", "default": None},
    "json": {"type": Path, "help": "file to write the numbers to, as JSON", "default": None},
    "settings": {"type": json.loads, "help": "section of the resolved config, as JSON"},
    "weights": {
        "type": Path,
        "nargs": "+",
        "help": "the weights' files, if fetched",
        "default": None,
    },
    "model": {"type": Path, "help": "model.json"},
    "genome": {"type": Path, "help": "genome.json"},
    "probe": {"type": Path, "help": "probe.json, where anything is left to auto", "default": None},
    "fasta": {"type": Path, "help": "the run's normalised FASTA"},
    "plan": {"type": Path, "help": "plan.json"},
    "rows": {
        "type": lambda text: slice(*map(int, text.split(":"))),
        "help": "tracks, first:last, as they stand in tracks.tsv; else all",
        "default": slice(None),
    },
    "shard": {"help": "id of the shard"},
    "device": {"help": "auto, cpu, cuda or cuda:N", "default": "auto"},
    "threads": {"type": int, "help": "CPU threads, or processes", "default": 1},
    "figures": {"type": Path, "help": "folder for the figures"},
    "logs": {"type": Path, "help": "folder of the logs"},
    "out": {"type": Path, "help": "file (for parquet, folder) to write"},
}
PLAIN = ("config", "folder")
"""Given without their names: of the commands that people type themselves."""


def make_parser(
    commands: dict[str, tuple[Callable, list[str]]], description: str
) -> argparse.ArgumentParser:
    """Build the parser of all commands.

    Parameters
    ----------
    commands : dict
        Name -> the function, whose docstring's first line is the help, and keys of `OPTIONS`.
    description : str
        Its first line is the program's.
    """
    first = description.split("\n")[0]
    parser = argparse.ArgumentParser(prog="genometracks", description=first)
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (function, options) in commands.items():
        text = function.__doc__.split("\n")[0]
        command = parsers.add_parser(name, help=text, description=text)
        for option in options:
            settings = OPTIONS[option]
            if option in PLAIN:
                command.add_argument(option, **settings)
            else:
                command.add_argument(f"--{option}", required="default" not in settings, **settings)
    return parser
