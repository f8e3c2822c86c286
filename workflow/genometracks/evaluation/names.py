"""Names in the lists of `evaluation`: tracks exist, and no two entries of one are called alike."""

import difflib
from collections.abc import Iterator, Sequence

from genometracks.errors import UserError


def check_names(
    names: Sequence[tuple[str, str]], tracks: Sequence[str], *, section: str
) -> Iterator[str]:
    """Check the entries of a list one by one, and yield the key of each, e.g. `section[0]`.

    Parameters
    ----------
    names : sequence of (str, str)
        Track and name of each entry.
    tracks : sequence of str
        Tracks that the run predicts.
    section : str
        Key of the list.

    Raises
    ------
    UserError
        If the run predicts no such track, or two entries of one track have the same name.
    """
    seen: dict[tuple[str, str], int] = {}
    for number, (track, name) in enumerate(names):
        key = f"{section}[{number}]"
        _check_track(track, tracks, where=key)
        twin = seen.setdefault((track, name), number)
        if twin != number:
            raise UserError(
                f"{key} and {section}[{twin}] are both called {name}; give one of them another name"
            )
        yield key


def _check_track(name: str, tracks: Sequence[str], *, where: str) -> None:
    """Raise UserError if a run predicts no track of a name; `where` is the key that gives it."""
    if name in tracks:
        return
    # Tracks differ by case more often than by spelling, so the comparison ignores case.
    by_lower = {track.lower(): track for track in tracks}
    near = difflib.get_close_matches(name.lower(), by_lower, n=5, cutoff=0.0)
    raise UserError(
        f"{where}.track: the run predicts no track {name};"
        f" the nearest are {', '.join(by_lower[track] for track in near)}"
    )
