"""tracks.tsv: the tracks that a run wrote, and the choice of some of them."""

import difflib
import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genometracks.errors import UserError

Wanted = str | int
"""A name or pattern, or a row of the table."""
SHOWN = 3


@dataclass(frozen=True)
class Track:
    """A row of tracks.tsv.

    Attributes
    ----------
    row : int
        Its place in the table, which is that of its column in the Parquet table.
    track : str
        File stem.
    name : str
        Name of the track in the model, or of the group or pair.
    column : str
        Column in the Parquet table.
    cells : dict
        All columns of the table, as text.
    """

    row: int
    track: str
    name: str
    column: str
    cells: dict[str, str]

    @property
    def scale(self) -> str:
        """Scale of the values, in words: what follows the semicolon in the column `computed`."""
        return self.cells.get("computed", "").rpartition("; ")[2] or "the model's scale"


def load_tracks(path: Path) -> tuple[Track, ...]:
    """Read tracks.tsv.

    Raises
    ------
    UserError
        If the file is missing or damaged.
    """
    try:
        head, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        columns = head.split("\t")
        rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]
        found = [
            Track(row, each["track"], each["name"], each["column"], each)
            for row, each in enumerate(rows)
        ]
        if not found or not all(_is_sound(found)):
            raise ValueError("impossible names")
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path}: no usable table of tracks ({error}): delete it and run again"
        ) from error
    return tuple(found)


def _is_sound(tracks: Sequence[Track]) -> Iterator[bool]:
    """Whether each track has a file in its folder, and all have columns of their own."""
    yield len({each.column for each in tracks}) == len(tracks)
    for each in tracks:
        yield bool(each.track and each.column) and "/" not in each.track and "\0" not in each.track


def choose_tracks(
    tracks: Sequence[Track], wanted: Sequence[Wanted] | None = None, *, where: str | None = None
) -> list[Track]:
    """Choose tracks by name, pattern or row, and by a filter.

    Parameters
    ----------
    tracks : sequence of Track
    wanted : sequence of str or int, optional
        Each a name, a file stem, a column, a glob pattern of one of these, or a row of the table.
        Default is None: all tracks.
    where : str, optional
        A filter over the columns of the table (see `tracks.filters`), which the wanted tracks must
        match. Default is None: no filter.

    Returns
    -------
    list of Track
        In the order in which they are wanted, each once.

    Raises
    ------
    UserError
        If one of `wanted`, or the filter, matches no track. The message suggests similar names.
    """
    chosen = list(tracks)
    if wanted is not None:
        matched = [track for one in wanted for track in _match(tracks, one)]
        chosen = list({track.row: track for track in matched}.values())
        if not chosen:
            raise UserError("tracks: none are given: give names, or leave it out for all tracks")
    if where is not None:
        from genometracks.tracks.filters import filter_tracks

        cells = [track.cells for track in tracks]
        rows = set(filter_tracks(cells, where, key="tracks"))
        kept = [track for track in chosen if track.row in rows]
        if not kept:
            raise UserError(f"tracks: where: {where!r} matches none of the chosen tracks")
        chosen = kept
    return chosen


def _match(tracks: Sequence[Track], wanted: Wanted) -> list[Track]:
    if isinstance(wanted, int):
        if not 0 <= wanted < len(tracks):
            raise UserError(f"tracks: no track {wanted}: the run has tracks 0-{len(tracks) - 1}")
        return [tracks[wanted]]
    if wanted == "*":  # all, also if a track has this name
        return list(tracks)
    exact = [track for track in tracks if wanted in _names(track)]
    found = exact or [
        track
        for track in tracks
        if any(fnmatch.fnmatchcase(name, wanted) for name in _names(track))
    ]
    if not found:
        names = list(dict.fromkeys(name for track in tracks for name in _names(track)))
        near = difflib.get_close_matches(wanted, names, n=SHOWN) or names[:SHOWN]
        raise UserError(
            f"tracks: {wanted!r} matches no track of the run: did you mean {', '.join(near)}?"
        )
    return found


def _names(track: Track) -> tuple[str, str, str]:
    return track.name, track.track, track.column
