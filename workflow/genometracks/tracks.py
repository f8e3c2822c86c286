"""Track selection, and names that are safe as files and columns."""

import difflib
import fnmatch
import re
from pathlib import Path

from genometracks.errors import UserError
from genometracks.files import write_atomically

OWN = ("track", "index", "file")
"""Columns of tracks.tsv whose values are the run's, whatever the model's metadata call theirs."""


def select_tracks(tracks: list[dict], wanted: list[str]) -> list[int]:
    """Indices of the tracks whose name is, or matches as a glob pattern, any of `wanted`.

    Parameters
    ----------
    tracks : list of dict
        The model's tracks in order, each with `name`.
    wanted : list of str
        Names or patterns; `["*"]` is all.

    Returns
    -------
    list of int
        Ascending.

    Raises
    ------
    UserError
        For one that matches nothing, with the nearest names.
    """
    names = [track["name"] for track in tracks]
    chosen: set[int] = set()
    for pattern in wanted:
        hits = [i for i, name in enumerate(names) if name == pattern]
        hits = hits or [i for i, name in enumerate(names) if fnmatch.fnmatchcase(name, pattern)]
        if not hits:
            near = ", ".join(difflib.get_close_matches(pattern, names, n=3) or names[:3])
            raise UserError(
                f"output.tracks: {pattern!r} matches no track of the model: did you mean {near}?"
            )
        chosen.update(hits)
    return sorted(chosen)


def safe_names(names: list[str]) -> list[str]:
    """File-name stems for tracks: unique whatever the case, and unable to leave a folder."""
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9._+-]+", "_", name)[:150].lstrip(".-") or "track"
        unique, count = stem, 1
        while unique.lower() in taken:
            count += 1
            unique = f"{stem}_{count}"
        taken.add(unique.lower())
        stems.append(unique)
    return stems


def describe_tracks(tracks: list[dict], wanted: list[str]) -> list[dict]:
    """The selected tracks as the rows of tracks.tsv.

    Returns
    -------
    list of dict
        `track` (safe, unique: file stem and column), `name` (the model's), `index` (the model's
        channel), `description`, and every further column of the model's metadata, with `model_`
        before those of `OWN`.
    """
    chosen = select_tracks(tracks, wanted)
    stems = safe_names([tracks[i]["name"] for i in chosen])
    return [
        {"track": stem, "name": tracks[i]["name"], "index": i, "description": ""}
        | {f"model_{key}" if key in OWN else key: value for key, value in tracks[i].items()}
        for stem, i in zip(stems, chosen, strict=True)
    ]


def write_tracks(tracks: list[dict], path: Path, *, suffix: str) -> None:
    """Write tracks.tsv: track, description, file, then every other column.

    Parameters
    ----------
    tracks : list of dict
        From `describe_tracks`.
    suffix : str
        `bigwig/{track}{suffix}` is a track's file; empty if no bigWig is written.
    """
    columns = ["track", "description", "file"]
    columns += [key for track in tracks for key in track if key not in columns]
    columns = list(dict.fromkeys(columns))
    rows = [columns]
    for track in tracks:
        file = f"bigwig/{track['track']}{suffix}" if suffix else ""
        cells = {**track, "file": file}
        rows.append([" ".join(str(cells.get(column, "")).split()) for column in columns])
    with write_atomically(path) as file:
        file.write("".join("\t".join(row) + "\n" for row in rows).encode())


def name_rows(tracks: list[dict]) -> dict[str, int]:
    """Names by which a config may call a run's tracks -> their rows in the shards.

    Of several tracks with one name in the model, that name is the first one's.
    """
    rows = {track["track"]: row for row, track in enumerate(tracks)}
    return {**rows, **{track["name"]: row for row, track in reversed(list(enumerate(tracks)))}}
