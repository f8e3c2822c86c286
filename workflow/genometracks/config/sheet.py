"""A sheet of runs: each row overrides keys of the config for one run of the graph.

It is read with `csv`, which counts lines; `import pandas` would add 0.8 s to each parse of the
workflow.
"""

import copy
import csv
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from genometracks.config.folders import PAGE, SHARED
from genometracks.config.resolve import resolve_config
from genometracks.config.schema import list_keys
from genometracks.config.values import check_values, shorten
from genometracks.errors import UserError
from grelu_models.files.yaml_text import parse_yaml

SHORT = {"run": "run", "model": "model.weights", "genome": "genome.fasta"}
"""Short column name -> key of the config."""

COMMON = ("runs", "results")
"""Keys that all runs of a sheet share."""


@dataclass(frozen=True)
class Entry:
    """One run.

    Attributes
    ----------
    config : dict
        The resolved config.
    origin : str
        Where the run is defined, for errors: `config`, or the sheet's file and line.
    """

    config: dict[str, Any]
    origin: str


def resolve_runs(given: object) -> list[Entry]:
    r"""Resolve a config, or one config for each row of the sheet that it names.

    Parameters
    ----------
    given : dict
        As read from YAML.

    Raises
    ------
    UserError
        As `resolve_config`. For a sheet, the message names file, line and column.

    Examples
    --------
    >>> header, first = "run\tmodel\tgenome\tprediction.trim", "a\ta.ckpt\thg38.fa\t16"
    >>> _ = Path("runs.tsv").write_text(f"{header}\n{first}\nb\tb.ckpt\thg38.fa\t\n")
    >>> runs = resolve_runs({"runs": "runs.tsv", "prediction": {"trim": 8}})
    >>> [(run.origin, run.config["run"], run.config["prediction"]["trim"]) for run in runs]
    [('runs.tsv:2', 'a', 16), ('runs.tsv:3', 'b', 8)]
    """
    check_values(given)
    if not isinstance(given, dict) or not isinstance(given.get("runs"), str):
        return [Entry(resolve_config(given), "config")]
    if "run" in given:
        raise UserError("config: run: the sheet's column run names the runs: remove this key")
    sheet = Path(given["runs"])
    entries = [_resolve_row(given, sheet, line, row) for line, row in read_sheet(sheet)]
    seen: dict[str, str] = {}
    for entry in entries:
        name = entry.config["run"]
        folder = name.lower()  # the same folder on file systems that ignore case
        if folder in seen:
            raise UserError(f"{entry.origin}: run {name!r} is also in {seen[folder]}: rename one")
        seen[folder] = entry.origin
    return entries


def choose_run(entries: list[Entry], name: str | None) -> Entry:
    """Return the run of a name; without a name, the only run.

    Raises
    ------
    UserError
        If there is no such run, or if there are several and no name is given.
    """
    named = {entry.config["run"]: entry for entry in entries}
    if name is None and len(named) == 1:
        return entries[0]
    if name not in named:
        wrong = f"there is no run {name!r}" if name else "the sheet has several runs"
        raise UserError(f"{wrong}: choose one with --run: {', '.join(named)}")
    return named[name]


def read_sheet(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of a sheet as (line number, {column: text}), without empty cells.

    Parameters
    ----------
    path : Path
        Tab-separated, with a header: `run`, `model`, `genome` and any key of the config. Empty
        lines, and lines that begin with '#', are skipped.

    Raises
    ------
    UserError
        If it cannot be read, has no rows, or has a column that is not a key.
    """
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a file: check runs")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter="\t")
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a readable sheet of runs: {error}: check runs") from error
    lines = [(line, [cell.strip() for cell in row]) for line, row in lines]
    lines = [(line, row) for line, row in lines if any(row) and not row[0].startswith("#")]
    if len(lines) < 2:
        raise UserError(
            f"{path}: has no runs: write a header (run, model, genome) and one row per run"
        )
    (line, header), *rows = lines
    _check_header(header, f"{path}:{line}")
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(f"{path}:{line}: {len(row)} columns, the header has {len(header)}")
    return [
        (line, {name: text for name, text in zip(header, row, strict=True) if text})
        for line, row in rows
    ]


def _check_header(header: list[str], where: str) -> None:
    if len(header) == 1 and header[0].startswith("run,"):
        raise UserError(f"{where}: columns are separated by commas: use tabs")
    known = [*SHORT, *(key for key, _ in list_keys() if "[]" not in key and key not in COMMON)]
    for i, column in enumerate(header):
        if column in COMMON:
            raise UserError(f"{where}: column {column!r}: all runs share it: set it in the config")
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            valid = f"did you mean {near[0]!r}?" if near else "use run, model, genome or a key"
            raise UserError(f"{where}: column {column!r} is not a key of the config: {valid}")
        if SHORT.get(column, column) in [SHORT.get(other, other) for other in header[:i]]:
            raise UserError(f"{where}: column {column!r} is given twice: remove one")
    if "run" not in header:
        raise UserError(f"{where}: there is no column 'run': add it, it names the runs")


def _resolve_row(given: dict[str, Any], sheet: Path, line: int, row: dict[str, str]) -> Entry:
    origin = f"{sheet}:{line}"
    if "run" not in row:
        raise UserError(f"{origin}: column run is empty: name the run")
    config = {**copy.deepcopy(given), "runs": None}  # a config of this run alone
    for section in ("genome", "model"):
        config.setdefault(section, {})
    for column, text in row.items():
        key = SHORT.get(column, column)
        try:
            set_key(config, key, _parse(text, key))
        except (yaml.YAMLError, TypeError, AttributeError) as error:
            raise UserError(
                f"{origin}: column {column}: {shorten(text)} cannot be read: correct it"
            ) from error
    try:
        resolved = resolve_config(config)
    except UserError as error:
        raise UserError(f"{origin}: {str(error).removeprefix('config: ')}") from error
    taken = {SHARED: "holds shared files", PAGE: "is the page of all runs"}
    if resolved["run"].lower() in taken:
        name = resolved["run"].lower()
        raise UserError(f"{origin}: column run: {name!r} {taken[name]}: rename the run")
    return Entry(resolved, origin)


def _parse(text: str, key: str) -> object:
    """Parse a cell: as text if the schema expects text, else as YAML."""
    schema = dict(list_keys())[key]
    types = schema.get("type", "string")
    types = {types} if isinstance(types, str) else set(types)
    if text == "null" and ("null" in types or None in schema.get("enum", ())):
        return None
    plain = types <= {"string", "null"} or ("string" in types and not text.startswith("["))
    numbers = types & {"integer", "number", "boolean"}
    return text if plain and not numbers else parse_yaml(text)


def set_key(config: dict[str, Any], key: str, value: object) -> None:
    """Set a value by its dotted key, in place."""
    *sections, last = key.split(".")
    for section in sections:
        config = config.setdefault(section, {})
    config[last] = value
