"""Track selection, and names that are safe as files and columns."""

import difflib
import fnmatch
import re
from pathlib import Path

from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError
from genometracks.tracks.filters import find_where

OWN = ("track", "index", "file", "computed")
"""Columns of tracks.tsv whose values are the run's, whatever the model's metadata call theirs."""


def select_tracks(
    tracks: list[dict], wanted: list[str | int | dict], *, key: str = "output.tracks"
) -> list[int]:
    """Indices of the tracks that any of `wanted` chooses.

    Parameters
    ----------
    tracks : list of dict
        The model's tracks in order, each with `name`.
    wanted : list of str, int or dict
        A name, or a glob pattern that names match; a track's index; or `{"where": filter}` over
        the columns of their metadata (see `where`). `["*"]` is all.
    key : str
        Of the config, for errors.

    Returns
    -------
    list of int
        Ascending.

    Raises
    ------
    UserError
        For one that chooses nothing, with the nearest names or the columns.
    """
    names = [track["name"] for track in tracks]
    chosen: set[int] = set()
    for one in wanted:
        if isinstance(one, dict):
            chosen.update(find_where(tracks, one["where"], key=key))
        elif isinstance(one, int):
            if one >= len(tracks):
                raise UserError(
                    f"{key}: there is no track {one}: the model's are 0-{len(names) - 1}"
                )
            chosen.add(one)
        else:
            chosen.update(_find_named(names, one, key=key))
    return sorted(chosen)


def _find_named(names: list[str], pattern: str, *, key: str) -> list[int]:
    hits = [i for i, name in enumerate(names) if name == pattern]
    hits = hits or [i for i, name in enumerate(names) if fnmatch.fnmatchcase(name, pattern)]
    if not hits:
        near = ", ".join(difflib.get_close_matches(pattern, names, n=3) or names[:3])
        raise UserError(f"{key}: {pattern!r} matches no track of the model: did you mean {near}?")
    return hits


def safe_names(names: list[str]) -> list[str]:
    """File-name stems for tracks: unique whatever the case, and unable to leave a folder."""
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


def describe_track(tracks: list[dict], index: int) -> dict:
    """A track of the model as a row of tracks.tsv, without its file's name.

    Returns
    -------
    dict
        `name` (the model's), `index` (the model's channel), `description`, and every further
        column of the model's metadata, with `model_` before those of `OWN`.
    """
    own = tracks[index].items()
    return {"name": tracks[index]["name"], "index": index, "description": ""} | {
        f"model_{key}" if key in OWN else key: value for key, value in own
    }


def name_files(rows: list[dict]) -> list[dict]:
    """Rows of tracks.tsv with `track`, safe and unique: file stem and column."""
    stems = safe_names([row["name"] for row in rows])
    return [{"track": stem, **row} for stem, row in zip(stems, rows, strict=True)]


def write_tracks(tracks: list[dict], path: Path, *, suffix: str) -> None:
    """Write tracks.tsv: track, description, file, then every other column.

    Parameters
    ----------
    tracks : list of dict
        From `outputs.list_outputs`.
    suffix : str
        `bigwig/{track}{suffix}` is a track's file; empty if no bigWig is written.
    """
    columns = ["track", "description", "file"]
    columns += [key for track in tracks for key in track if key not in columns]
    columns = list(dict.fromkeys(columns))
    rows = [columns]
    for track in tracks:
        file = f"bigwig/{track['track']}{suffix}" if suffix else ""
        cells = {key: value for key, value in track.items() if value is not None} | {"file": file}
        rows.append([" ".join(str(cells.get(column, "")).split()) for column in columns])
    with write_atomically(path) as file:
        file.write("".join("\t".join(row) + "\n" for row in rows).encode())


def name_rows(tracks: list[dict]) -> dict[str, int]:
    """Names by which a config may call a run's tracks -> their rows in the shards.

    Of several tracks with one name in the model, that name is the first one's.
    """
    rows = {track["track"]: row for row, track in enumerate(tracks)}
    return {**rows, **{track["name"]: row for row, track in reversed(list(enumerate(tracks)))}}
