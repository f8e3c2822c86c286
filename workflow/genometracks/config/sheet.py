"""A sheet of runs: one row a run, laid over the config, so that many runs are one graph."""

import copy
import csv
import difflib
from dataclasses import dataclass
from pathlib import Path

import yaml

from genometracks.config.resolve import list_keys, read_schema, resolve_config
from genometracks.errors import UserError

SHORT = {"run": "run", "model": "model.weights", "genome": "genome.fasta"}
"""Columns that have a shorter name than their key."""

COMMON = ("runs", "results")
"""Keys that all runs of a sheet share."""

SHARED = "shared"
"""Folder beside the runs: what several of them need."""


@dataclass(frozen=True)
class Entry:
    """One run: its resolved config, and where that was written, for errors."""

    config: dict
    origin: str


def resolve_runs(given: dict) -> list[Entry]:
    """Resolve a config, or one for each row of the sheet it names.

    Parameters
    ----------
    given : dict
        As read from YAML.

    Raises
    ------
    UserError
        As `resolve_config`; in a sheet naming file, line and column.
    """
    if not isinstance(given, dict) or not isinstance(given.get("runs"), str):
        return [Entry(resolve_config(given), "config")]
    if "run" in given:
        raise UserError("config: run: names of runs stand in the sheet's column run: leave it out")
    sheet = Path(given["runs"])
    entries = [_resolve_row(given, sheet, line, row) for line, row in read_sheet(sheet)]
    seen: dict[str, str] = {}
    for entry in entries:
        name = entry.config["run"]
        folder = name.lower()  # one folder, where names differ in case alone
        if folder in seen:
            where = f"stands in {seen[folder]}, too"
            raise UserError(f"{entry.origin}: run {name!r} {where}: rename one")
        seen[folder] = entry.origin
    return entries


def choose_run(entries: list[Entry], name: str | None) -> Entry:
    """The run of that name; without a name, the only one.

    Raises
    ------
    UserError
        If there is no such run, or a choice.
    """
    named = {entry.config["run"]: entry for entry in entries}
    if name is None and len(named) == 1:
        return entries[0]
    if name not in named:
        wrong = f"there is no run {name!r}" if name else "the sheet has many runs"
        raise UserError(f"{wrong}: choose one with --run: {', '.join(named)}")
    return named[name]


def read_sheet(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of a sheet as (line, {column: text}); empty cells are left out.

    Parameters
    ----------
    path : Path
        Tab-separated, with a header: `run`, `model`, `genome` and any key of the config. Empty
        lines, and lines that begin with '#', are skipped.

    Raises
    ------
    UserError
        If it cannot be read, has no rows, or has a column that is no key.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter="\t")
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: no readable sheet of runs: {error}: check runs") from error
    lines = [(line, [cell.strip() for cell in row]) for line, row in lines]
    lines = [(line, row) for line, row in lines if any(row) and not row[0].startswith("#")]
    if len(lines) < 2:
        raise UserError(f"{path}: has no runs: write a header (run, model, genome) and a row a run")
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
        raise UserError(f"{where}: columns stand between commas: put tabs between them")
    known = [*SHORT, *(key for key, _ in list_keys() if "[]" not in key and key not in COMMON)]
    for i, column in enumerate(header):
        if column in COMMON:
            raise UserError(f"{where}: column {column!r}: one for all runs: put it into the config")
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            mend = f"did you mean {near[0]!r}?" if near else "columns are run, model, genome, keys"
            raise UserError(f"{where}: column {column!r} is no key of the config: {mend}")
        if SHORT.get(column, column) in [SHORT.get(other, other) for other in header[:i]]:
            raise UserError(f"{where}: column {column!r} stands there twice: leave one out")
    if "run" not in header:
        raise UserError(f"{where}: there is no column 'run': it names the runs")


def _resolve_row(given: dict, sheet: Path, line: int, row: dict[str, str]) -> Entry:
    origin = f"{sheet}:{line}"
    if "run" not in row:
        raise UserError(f"{origin}: column run: is empty: name the run")
    config = {**copy.deepcopy(given), "runs": None}  # each can be run by itself
    for section in ("genome", "model"):
        config.setdefault(section, {})
    for column, text in row.items():
        key = SHORT.get(column, column)
        try:
            _set(config, key, _parse(text, key))
        except (yaml.YAMLError, TypeError) as error:
            raise UserError(f"{origin}: column {column}: {text!r} cannot be read") from error
    try:
        resolved = resolve_config(config)
    except UserError as error:
        raise UserError(f"{origin}: {str(error).removeprefix('config: ')}") from error
    if resolved["run"].lower() == SHARED:
        raise UserError(f"{origin}: column run: {SHARED!r} is where runs share files: rename it")
    return Entry(resolved, origin)


def _parse(text: str, key: str) -> object:
    """A cell as a value: text where the schema has text, else YAML."""
    schema = dict(list_keys(read_schema()))[key]
    types = schema.get("type", "string")
    types = {types} if isinstance(types, str) else set(types)
    if text == "null" and ("null" in types or None in schema.get("enum", ())):
        return None
    plain = types <= {"string", "null"} or ("string" in types and not text.startswith("["))
    numbers = types & {"integer", "number", "boolean"}
    return text if plain and not numbers else yaml.safe_load(text)


def _set(config: dict, key: str, value: object) -> None:
    *sections, last = key.split(".")
    for section in sections:
        config = config.setdefault(section, {})
    config[last] = value
