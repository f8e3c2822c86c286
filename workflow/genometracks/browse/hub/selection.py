"""Which tracks are on when a browser opens, and in which colours tracks are drawn."""

from collections.abc import Sequence

from genometracks.browse.drawing import is_minus
from genometracks.browse.hub.columns import Column, list_values
from genometracks.browse.scene import Scene

__all__ = ["OBSERVED", "choose_colours", "choose_first"]

Colour = tuple[int, int, int]
COLOURS: tuple[Colour, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
)
"""Told apart by colour-blind readers (Okabe and Ito, https://jfly.uni-koeln.de/color/)."""
OBSERVED: Colour = (90, 90, 90)
"""Of observed tracks."""
LIGHTER = 0.45
"""Part of white in the colour of a track of the minus strand."""
MOST_FIRST = 10
"""Predicted tracks that are on."""


def choose_colours(scene: Scene, columns: Sequence[Column]) -> list[Colour]:
    """The colour of each predicted track: one per value of the first column, in turn.

    The minus strand has a lighter one.
    """
    places = [0] * len(scene.tracks)
    if columns:
        order = {value: place for place, value in enumerate(columns[0].values)}
        places = [order[value] for value in list_values(scene.tracks, columns[0].name)]
    colours = (COLOURS[place % len(COLOURS)] for place in places)
    return [
        _lighten(colour) if is_minus(track) else colour
        for colour, track in zip(colours, scene.tracks, strict=True)
    ]


def _lighten(colour: Colour) -> Colour:
    red, green, blue = (round(part + LIGHTER * (255 - part)) for part in colour)
    return red, green, blue


def choose_first(scene: Scene, columns: Sequence[Column]) -> set[str]:
    """Choose the predicted tracks that are on when a browser opens: at most 10, by file stem.

    Those that are compared with observed tracks come first, then the track of each group whose
    values vary most, then other tracks in the order of that.
    """
    compared = dict.fromkeys(each.track for each in scene.observed)
    ranked = sorted(scene.tracks, key=lambda track: -track.signal)
    strongest: dict[str, str] = {}
    if columns:
        values = list_values(ranked, columns[0].name)
        for track, value in zip(ranked, values, strict=True):
            strongest.setdefault(value, track.track)
    order = [*compared, *strongest.values(), *(track.track for track in ranked)]
    return set(list(dict.fromkeys(order))[:MOST_FIRST])
