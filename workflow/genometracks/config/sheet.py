"""A sheet of runs: each row overrides keys of the config for one run of the graph.

It is read with `csv`, which counts lines; `import pandas` would add 0.8 s to each parse of the
workflow.
"""

import copy
import csv
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from genometracks.config.folders import COMPARE_LOG, PAGE, PAGE_LOG, REPORT, RUNS, SHARED
from genometracks.config.resolve import ConfigError, resolve_config
from genometracks.config.schema import list_keys
from genometracks.config.values import find_odd_values, shorten
from genometracks.errors import UserError
from grelu_models.files.yaml_text import parse_yaml

SHORT = {"run": "run", "model": "model.weights", "genome": "genome.fasta"}
"""Short column name -> key of the config."""

COMMON = ("runs", "results")
"""Keys that all runs of a sheet share."""

TAKEN = {
    SHARED: "holds shared files",
    PAGE: "is the page of all runs",
    PAGE_LOG: "is the log of their page",
    REPORT: "is the report of all runs",
    RUNS: "lists all runs",
    COMPARE_LOG: "is the log of their report",
}
"""Names that no run of a sheet may have, in lower case -> what has the name beside the runs."""


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
        As `resolve_config`, for all rows of a sheet. Its messages name file, line and column.

    Examples
    --------
    >>> header, first = "run\tmodel\tgenome\tprediction.trim", "a\ta.ckpt\thg38.fa\t16"
    >>> _ = Path("runs.tsv").write_text(f"{header}\n{first}\nb\tb.ckpt\thg38.fa\t\n")
    >>> runs = resolve_runs({"runs": "runs.tsv", "prediction": {"trim": 8}})
    >>> [(run.origin, run.config["run"], run.config["prediction"]["trim"]) for run in runs]
    [('runs.tsv:2', 'a', 16), ('runs.tsv:3', 'b', 8)]
    """
    if not isinstance(given, dict) or not isinstance(given.get("runs"), str):
        return [Entry(resolve_config(given), "config")]
    odd = find_odd_values(given)
    if odd:  # each row would have them
        raise UserError(*(f"config: {problem.text}" for problem in odd))
    wrong = []
    if "run" in given:
        wrong.append("config: run: the sheet's column run names the runs: remove this key")
    sheet = Path(given["runs"])
    try:
        rows = read_sheet(sheet)
    except UserError as error:
        raise UserError(*wrong, *error.messages) from error
    return _resolve_rows({k: v for k, v in given.items() if k != "run"}, sheet, rows, wrong)


def _resolve_rows(
    given: dict[str, Any], sheet: Path, rows: list[tuple[int, dict[str, str]]], wrong: list[str]
) -> list[Entry]:
    """Resolve all rows; `wrong` are errors that were found before."""
    entries: list[Entry] = []
    found: list[tuple[str, str]] = []
    sound: dict[str, dict[str, Any]] = {}
    seen: dict[str, str] = {}
    for line, row in rows:
        origin = f"{sheet}:{line}"
        try:
            config = _resolve_row(given, row)
        except ConfigError as error:
            found += [(origin, text.removeprefix("config: ")) for text in error.messages]
            if error.sound:
                sound[origin] = error.sound["config"]
            continue
        entries.append(Entry(config, origin))
        folder = config["run"].lower()  # the same folder on file systems that ignore case
        if folder in seen:
            text = f"run {config['run']!r} is also in {seen[folder]}: rename one"
            found.append((origin, text))
        seen.setdefault(folder, origin)
    if wrong or found:
        sound |= {entry.origin: entry.config for entry in entries}
        raise ConfigError(*wrong, *join_origins(found), sound=sound)
    return entries


def join_origins(found: Iterable[tuple[str, str]]) -> list[str]:
    """Join errors with the lines of the sheet that they are on; one that repeats is listed once.

    Examples
    --------
    >>> join_origins([("s:2", "g.fa: no such file"), ("s:3", "g.fa: no such file")])
    ['s:2: g.fa: no such file (also in s:3)']
    """
    origins: dict[str, list[str]] = {}
    for origin, text in found:
        origins.setdefault(text, []).append(origin)
    return [f"{first}: {text}{_name_others(rest)}" for text, (first, *rest) in origins.items()]


def _name_others(origins: list[str]) -> str:
    if len(origins) > 1:
        return f" (also in {len(origins):,} more lines)"
    return f" (also in {origins[0]})" if origins else ""


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
    wrong = list(_find_wrong_columns(header, f"{path}:{line}")) or [
        f"{path}:{line}: {len(row)} columns, the header has {len(header)}"
        for line, row in rows
        if len(row) != len(header)
    ]
    if wrong:
        raise UserError(*wrong)
    return [
        (line, {name: text for name, text in zip(header, row, strict=True) if text})
        for line, row in rows
    ]


def _find_wrong_columns(header: list[str], where: str) -> Iterator[str]:
    if len(header) == 1 and header[0].startswith("run,"):
        yield f"{where}: columns are separated by commas: use tabs"
        return
    known = [*SHORT, *(key for key, _ in list_keys() if "[]" not in key and key not in COMMON)]
    meant: list[str] = []
    for i, column in enumerate(header):
        if column in COMMON:
            yield f"{where}: column {column!r}: all runs share it: set it in the config"
        elif column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            meant += near
            valid = f"did you mean {near[0]!r}?" if near else "use run, model, genome or a key"
            yield f"{where}: column {column!r} is not a key of the config: {valid}"
        elif SHORT.get(column, column) in [SHORT.get(other, other) for other in header[:i]]:
            yield f"{where}: column {column!r} is given twice: remove one"
    if "run" not in [*header, *meant]:
        yield f"{where}: there is no column 'run': add it, it names the runs"


def _resolve_row(given: dict[str, Any], row: dict[str, str]) -> dict[str, Any]:
    """The resolved config of a row; ConfigError without the line."""
    config = {**copy.deepcopy(given), "runs": None}  # a config of this run alone
    for section in ("genome", "model"):
        config.setdefault(section, {})
    wrong = [] if "run" in row else ["column run is empty: name the run"]
    unread = set()
    for column, text in row.items():
        key = SHORT.get(column, column)
        try:
            set_key(config, key, _parse(text, key))
        except (yaml.YAMLError, TypeError, AttributeError):
            wrong.append(f"column {column}: {shorten(text)} cannot be read: correct it")
            unread.add(key)
    try:
        resolved = resolve_config(config)
    except ConfigError as error:
        missing = tuple(f"config: {key} is missing" for key in unread)
        others = [text for text in error.messages if not text.startswith(missing)]
        raise ConfigError(*wrong, *others, sound=error.sound) from error
    folder = resolved["run"].lower()
    if folder in TAKEN:
        wrong.append(f"column run: {folder!r} {TAKEN[folder]}: rename the run")
    if wrong:
        raise ConfigError(*wrong, sound={"config": resolved})
    return resolved


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
