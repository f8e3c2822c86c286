"""The run's tracks as rows of tracks.tsv, with safe names for files and columns."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genometracks.common.sealing import Seal, write_sealed
from genometracks.inputs.model import Metadata
from genometracks.tracks.columns import choose_columns

RESERVED = ("track", "index", "file", "column", "computed")
"""Columns of tracks.tsv that this program fills; a model's columns of these names get a prefix."""


@dataclass(frozen=True)
class RunTrack:
    """A track that a run writes.

    Attributes
    ----------
    track : str
        File stem: safe, and unique ignoring case.
    name : str
        Name of the track in the model, or of the group or pair.
    index : int or None
        Channel of the model; None for groups, pairs and standard deviations.
    description : str
    metadata : dict
        Further columns of the model's metadata. Default is {}.
    computed : str
        How the values were computed, in words. Default is "".
    """

    track: str
    name: str
    index: int | None
    description: str
    metadata: Metadata = field(default_factory=dict)
    computed: str = ""

    def as_row(self) -> Metadata:
        """Return the track as a flat dict, in the order of the columns."""
        head = {"track": self.track, "name": self.name, "index": self.index}
        row = head | {"description": self.description} | self.metadata
        return row | {"computed": self.computed} if self.computed else row

    @classmethod
    def of_row(cls, row: Metadata) -> "RunTrack":
        """Make a track from a row of `as_row`."""
        own = {key: row[key] for key in ("track", "name", "index", "description")}
        rest = {key: value for key, value in row.items() if key not in (*own, "computed")}
        return cls(**own, metadata=rest, computed=row.get("computed", ""))


def describe_channel(tracks: Sequence[Metadata], index: int) -> RunTrack:
    """Describe a track of the model, still without a safe name (see `name_tracks`).

    Columns of `RESERVED` get the prefix `model_`.
    """
    own = {f"model_{key}" if key in RESERVED else key: each for key, each in tracks[index].items()}
    name, description = own.pop("name"), own.pop("description", "")
    return RunTrack("", name, index, description, own)


def name_tracks(tracks: Sequence[RunTrack]) -> list[RunTrack]:
    """Give each track a safe and unique name."""
    stems = safe_names([track.name for track in tracks])
    return [replace(track, track=stem) for track, stem in zip(tracks, stems, strict=True)]


def name_columns(tracks: Sequence[RunTrack]) -> list[str]:
    """Choose the Parquet column of each of a run's tracks (see `columns.choose_columns`)."""
    return choose_columns([track.name for track in tracks], [track.track for track in tracks])


def safe_names(names: Sequence[str]) -> list[str]:
    """Make file stems of names: unique ignoring case, and never outside of their folder.

    Examples
    --------
    >>> safe_names(["CTCF", "ctcf", "../etc", "a b"])
    ['CTCF', 'ctcf_2', '_etc', 'a_b']
    """
    stems: list[str] = []
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9._+-]+", "_", name)[:150].lstrip(".-") or "track"
        unique, count = stem, counts.get(stem.lower(), 1)
        while unique.lower() in taken:
            count += 1
            unique = f"{stem}_{count}"
        counts[stem.lower()] = count
        taken.add(unique.lower())
        stems.append(unique)
    return stems


def write_tracks(tracks: Sequence[RunTrack], path: Path, *, suffix: str) -> Seal:
    """Write tracks.tsv, and return its seal.

    The columns are `track`, `description`, `file`, `column`, then all others.

    Parameters
    ----------
    tracks : sequence of RunTrack
    path : Path
    suffix : str
        A track's file is `bigwig/{track}{suffix}`; empty if no bigWigs are written.
    """
    rows = [track.as_row() for track in tracks]
    columns = ["track", "description", "file", "column"]
    columns += [key for row in rows for key in row if key not in columns]
    columns = list(dict.fromkeys(columns))
    lines = [columns]
    for row, column in zip(rows, name_columns(tracks), strict=True):
        file = f"bigwig/{row['track']}{suffix}" if suffix else ""
        cells: dict[str, Any] = {key: each for key, each in row.items() if each is not None}
        cells |= {"file": file, "column": column}
        lines.append([_format_cell(cells.get(key, "")) for key in columns])
    with write_sealed(path) as out:
        out.write("".join("\t".join(line) + "\n" for line in lines).encode())
    return out.sealed


def _format_cell(value: object) -> str:
    """One line of text; control characters, which readers of tables refuse, are escaped."""
    text = " ".join(str(value).split())
    if text.isprintable():
        return text
    return "".join(
        ascii(each)[1:-1] if unicodedata.category(each) in ("Cc", "Cs") else each for each in text
    )


def name_rows(tracks: Sequence[RunTrack]) -> dict[str, int]:
    """Map the names that a config may use for a run's tracks to their rows in the shards.

    A name that several tracks have in the model refers to the first of them.
    """
    rows = {track.track: row for row, track in enumerate(tracks)}
    return {**rows, **{track.name: row for row, track in reversed(list(enumerate(tracks)))}}
