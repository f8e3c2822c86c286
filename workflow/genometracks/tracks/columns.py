"""Columns of the tracks in the Parquet table: the model's names where readers accept them."""

import unicodedata
from collections import Counter
from collections.abc import Sequence, Set

TAKEN = ("chrom", "start", "end", "filename", "file_row_number", "file_index", "rowid")
"""Columns of an interval, and columns that DuckDB adds; readers ignore the case."""
HIDDEN = "__"
"""Start of the names that pandas (`__index_level_0__`) and pyarrow (`__filename`) add."""
LONGEST = 150
"""Characters of the longest column name."""


def choose_columns(names: Sequence[str], stems: Sequence[str]) -> list[str]:
    """Choose a column for each of a run's tracks: unique ignoring case.

    It is the track's name if that is safe: printable, without spaces at its ends, at most 150
    characters, no name that readers use for other columns, and neither the name nor the file stem
    of another track. Otherwise it is the track's file stem, made safe.

    Examples
    --------
    >>> choose_columns(["CTCF (rep 1)", "start"], ["CTCF_rep_1_", "start"])
    ['CTCF (rep 1)', 'start_track']
    """
    count = Counter(map(_fold, names))
    owners = {_fold(stem): i for i, stem in enumerate(stems)}
    kept = [
        _is_safe(name) and count[_fold(name)] == 1 and owners.get(_fold(name), i) == i
        for i, name in enumerate(names)
    ]
    taken = {_fold(name) for name, keep in zip(names, kept, strict=True) if keep}
    columns = []
    for name, stem, keep in zip(names, stems, kept, strict=True):
        column = name if keep else _make_safe(stem, taken)
        taken.add(_fold(column))
        columns.append(column)
    return columns


def _make_safe(stem: str, taken: Set[str]) -> str:
    column = stem.lstrip("_") or "track" if stem.startswith(HIDDEN) else stem
    while _fold(column) in taken or _fold(column) in TAKEN:
        column = f"{column}_track"
    return column


def _is_safe(name: str) -> bool:
    printable = name.isprintable() and name == name.strip()
    used = _fold(name) in TAKEN or name.startswith(HIDDEN)
    return printable and 0 < len(name) <= LONGEST and not used


def _fold(name: str) -> str:
    """The name as readers compare it that ignore case, or compose characters."""
    return unicodedata.normalize("NFKC", name).casefold()
