"""Selection of the model's tracks by name, pattern, index or filter."""

import difflib
import fnmatch
from collections.abc import Sequence

from genometracks.config.sections import Choice, Where
from genometracks.errors import UserError
from genometracks.inputs.model import Metadata
from genometracks.tracks.filters import filter_tracks


def select_tracks(
    tracks: Sequence[Metadata], wanted: Sequence[Choice], *, key: str = "output.tracks"
) -> list[int]:
    """Find the indices of the tracks that match at least one of the choices.

    Parameters
    ----------
    tracks : sequence of dict
        The model's tracks in order, each with `name`.
    wanted : sequence of str, int or Where
        Each a name or glob pattern, a track's index, or a filter over the metadata (see
        `filters`). `["*"]` selects all.
    key : str
        Key of the config, for errors. Default is "output.tracks".

    Returns
    -------
    list of int
        Ascending.

    Raises
    ------
    UserError
        If a choice matches no track. The message suggests similar names, or columns.

    Examples
    --------
    >>> tracks = [{"name": "CTCF_liver"}, {"name": "CTCF_lung"}, {"name": "ATAC_lung"}]
    >>> select_tracks(tracks, ["CTCF*", 2])
    [0, 1, 2]
    >>> select_tracks(tracks, [Where("name ~ lung")])
    [1, 2]
    """
    names = [track["name"] for track in tracks]
    chosen: set[int] = set()
    for one in wanted:
        if isinstance(one, Where):
            chosen.update(filter_tracks(tracks, one.where, key=key))
        elif isinstance(one, int):
            if one >= len(tracks):
                raise UserError(
                    f"{key}: track {one} does not exist: the model has tracks 0-{len(names) - 1}"
                )
            chosen.add(one)
        else:
            chosen.update(_match_names(names, one, key=key))
    return sorted(chosen)


def _match_names(names: list[str], pattern: str, *, key: str) -> list[int]:
    if pattern == "*":  # all, also if a track has this name
        return list(range(len(names)))
    hits = [i for i, name in enumerate(names) if name == pattern]
    hits = hits or [i for i, name in enumerate(names) if fnmatch.fnmatchcase(name, pattern)]
    if not hits:
        near = ", ".join(difflib.get_close_matches(pattern, names, n=3) or names[:3])
        raise UserError(f"{key}: {pattern!r} matches no track of the model: did you mean {near}?")
    return hits
