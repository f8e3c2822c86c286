"""Columns of the tracks' metadata that group them for a browser: which, and their values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from genometracks.browse.labels import clean_text
from genometracks.browse.scene import ShownTrack

__all__ = ["Column", "choose_columns", "list_values"]

MOST_VALUES = 100
"""Different values of a column that groups tracks without being named by the config."""
MOST_COLUMNS = 4
"""Columns that group tracks if the config names none."""
LONGEST = 80
"""Characters of a value that are shown."""
TELLING = (
    r"assay|experiment|method",
    r"cell|tissue|biosample|sample|organ\b",
    r"target|antibody|factor",
    r"organism|species|genome",
    r"stage|age|sex|treatment|condition|group|type|kind|class|strand",
)
"""Names of columns that say most about a track, first ones first."""
NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]*)?")


@dataclass(frozen=True)
class Column:
    """A column of the metadata: its name, and its different values in ascending order."""

    name: str
    values: tuple[str, ...]


def list_values(tracks: Sequence[ShownTrack], column: str) -> list[str]:
    """The value of each track as a line of text; "" where it has none."""
    given = [track.metadata.get(column) for track in tracks]
    return ["" if value is None else clean_text(value, most=LONGEST) for value in given]


def choose_columns(tracks: Sequence[ShownTrack], *, named: Sequence[str]) -> list[Column]:
    """Choose the columns that group tracks.

    Parameters
    ----------
    tracks : sequence of ShownTrack
    named : sequence of str
        Columns that the config names; they are taken, in this order.

    Returns
    -------
    list of Column
        If none is named: up to 4 columns of 2 to 100 different values, of which there are fewer
        than tracks and not only numbers; those with telling names (assay, cell type) first.
    """
    if named:
        return [_describe(tracks, name) for name in named]
    found = []
    keys = dict.fromkeys(key for track in tracks for key in track.metadata)
    for place, name in enumerate(keys):
        column = _describe(tracks, name)
        words = [value for value in column.values if value and not NUMBER.fullmatch(value)]
        if words and 2 <= len(column.values) <= min(MOST_VALUES, len(tracks) - 1):
            found.append((_rank(name), place, column))
    return [column for *_, column in sorted(found, key=lambda each: each[:2])[:MOST_COLUMNS]]


def _describe(tracks: Sequence[ShownTrack], name: str) -> Column:
    return Column(name, tuple(sorted(set(list_values(tracks, name)))))


def _rank(name: str) -> int:
    for rank, pattern in enumerate(TELLING):
        if re.search(pattern, name, re.IGNORECASE):
            return rank
    return len(TELLING)
