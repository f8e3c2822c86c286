"""Tables of tracks, and the partners on the other strand that they name. Needs no torch."""

import csv
from pathlib import Path

from grelu_models.errors import ModelError
from grelu_models.files.limits import show
from grelu_models.files.metadata import Track

__all__ = ["pair_strands", "read_track_table"]

LARGEST_TABLE = 64 * 2**20
"""Bytes of the largest table of tracks. The one published with Borzoi has 1 MB."""


def read_track_table(path: Path) -> list[Track]:
    """Read names and descriptions of tracks from a tab-separated table, one row per track.

    Parameters
    ----------
    path : Path
        With a header. The column `name`, or else `identifier` (as in the tables of targets that
        are published with Borzoi and Enformer), names the tracks; all other columns are kept.

    Raises
    ------
    ModelError
        If the table cannot be read or names no tracks.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_TABLE:
            raise ModelError(f"{path}: refused, it is {size:,} bytes (at most {LARGEST_TABLE:,})")
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, delimiter="\t"))
        if not lines:
            raise ValueError("it is empty")
    except ModelError:
        raise
    except (OSError, csv.Error, ValueError) as error:
        raise ModelError(f"{path}: the table of tracks cannot be read: {error}") from error
    header, *rows = lines
    name = next((column for column in ("name", "identifier") if column in header), None)
    if name is None:
        raise ModelError(f"{path}: needs a column 'name' or 'identifier', has {', '.join(header)}")
    for i, row in enumerate(rows):
        if len(row) != len(header) or not row[header.index(name)]:
            raise ModelError(f"{path}: line {i + 2} has no {name}, or not {len(header)} columns")
        if any("\0" in cell for cell in row):
            raise ModelError(f"{path}: line {i + 2} has a NUL")
    columns = [column or "index" for column in header]
    tracks = [dict(zip(columns, row, strict=True)) for row in rows]
    return [{"name": track[name], **track} for track in tracks]


def pair_strands(weights: Path, tracks: list[Track]) -> list[int] | None:
    """Return the channel of each track's partner on the other strand.

    Parameters
    ----------
    weights : Path
        For error messages.
    tracks : list of dict
        All tracks of a model, in order. The column `strand_pair` contains the partner's index.

    Returns
    -------
    list of int or None
        A track without a partner is its own partner. None if no track has one.

    Raises
    ------
    ModelError
        If a track's partner does not exist or has another partner. The message names the first.

    Examples
    --------
    >>> tracks = [
    ...     {"name": "cage+", "strand_pair": "1"},
    ...     {"name": "cage-", "strand_pair": "0"},
    ...     {"name": "atac", "strand_pair": ""},
    ... ]
    >>> pair_strands(Path("model.ckpt"), tracks)
    [1, 0, 2]
    """
    if not any(str(track.get("strand_pair", "")).strip() for track in tracks):
        return None
    partners = []
    for i, track in enumerate(tracks):
        # pandas turns a column of integers with missing values into floats.
        text = str(track.get("strand_pair", "")).strip().removesuffix(".0")
        if text and not (text.isdecimal() and len(text) < 10):
            raise ModelError(
                f"{weights}: track {track['name']}: strand_pair {show(text)} is not the number of "
                "a channel"
            )
        partners.append(int(text) if text else i)
    for i, partner in enumerate(partners):
        if partner >= len(partners) or partners[partner] != i:
            raise ModelError(
                f"{weights}: track {tracks[i]['name']} (channel {i}): strand_pair is {partner}, "
                f"but channel {partner} is not paired with it: the table needs all tracks of the "
                "model, in order"
            )
    return partners
