"""The metadata of a model, as stated in its files. Needs no torch."""

import re
from dataclasses import dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final

from grelu_models.errors import ModelError
from grelu_models.files.architecture import check_architecture
from grelu_models.files.limits import show

__all__ = [
    "UNSTATED",
    "Architecture",
    "Intervals",
    "Metadata",
    "Track",
    "check_intervals",
    "find_architecture",
    "name_tracks",
]

Architecture = dict[str, Any]
"""`model_type` and its constructor arguments, or an adapter's name and its options."""

Track = dict[str, Any]
"""`name` and any further columns of one output channel."""

Intervals = dict[str, dict[str, list[Any]]]
"""For `train`, `val` and `test`: the columns `chrom`, `start`, `end` (0-based, half-open)."""


class Unstated(Enum):
    """Type of `UNSTATED`."""

    UNSTATED = "unstated"


UNSTATED: Final = Unstated.UNSTATED
"""Value of a key that is absent from a file, unlike None, which is a value in the file."""


@dataclass(frozen=True)
class Metadata:
    """Metadata stated in the files of a model.

    Types are checked when files are read, values where they are used. The default of every field
    is `UNSTATED`.

    Attributes
    ----------
    architecture : dict or None
    window : int or None
        Base pairs that a forward pass reads.
    bin_size : int or None
        Base pairs per bin in training.
    activation : str or None
        A key of `card.ACTIVATIONS`; None and "logits" mean no activation.
    tracks : list of dict or None
        One per channel, in order.
    train : dict or None
        Settings of the training.
    data : object
        Notes on the training data, which are not used.
    intervals : dict or None
        Intervals of the training data, by split.
    licence, citation : str or None
        Licence of the weights, and the paper to cite, in one line each.
    """

    architecture: Architecture | None | Unstated = UNSTATED
    window: int | None | Unstated = UNSTATED
    bin_size: int | None | Unstated = UNSTATED
    activation: str | None | Unstated = UNSTATED
    tracks: list[Track] | None | Unstated = UNSTATED
    train: dict[str, Any] | None | Unstated = UNSTATED
    data: object = UNSTATED
    intervals: Intervals | None | Unstated = UNSTATED
    licence: str | None | Unstated = UNSTATED
    citation: str | None | Unstated = UNSTATED

    def override(self, other: "Metadata") -> "Metadata":
        """Return a copy in which every key that `other` states is replaced."""
        given = {key: getattr(other, key) for key in KEYS}
        return replace(
            self, **{key: value for key, value in given.items() if value is not UNSTATED}
        )


NOT_A_NAME = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
NOT_TEXT = re.compile("[\x00\ud800-\udfff]")

FARTHEST = 10**12
"""Largest position of an interval."""

KEYS = tuple(field.name for field in fields(Metadata))


def find_architecture(
    weights: Path, stated: Metadata, given: Architecture | None = None
) -> Architecture:
    """Return a copy of the given architecture, or else of the one in the metadata.

    Raises
    ------
    ModelError
        If there is neither, or the given one is not made of plain values within limits.
    """
    if given:
        check_architecture("model.architecture", given)
    architecture = given or stated.architecture
    if not isinstance(architecture, dict):
        raise ModelError(
            f"{weights}: the architecture is not known: give model.architecture, "
            f"or write it into {weights.with_suffix('.yaml').name} beside the weights"
        )
    return dict(architecture)


def name_tracks(weights: Path, tracks: list[Track] | None, count: int) -> list[Track]:
    """Return one dict (`name` and any further columns) for each of the `count` tracks of a model.

    Parameters
    ----------
    weights : Path
        For error messages.
    tracks : list of dict or None
        Given or stated tracks. None gives the names `track_0`, `track_1`, ...
    count : int
        Number of tracks of the model.

    Raises
    ------
    ModelError
        If there are not `count` tracks, one has no name, or its text has characters that no file
        can contain.

    Examples
    --------
    >>> name_tracks(Path("model.ckpt"), None, 2)[1]
    {'name': 'track_1', 'description': ''}
    """
    if tracks is None:
        return [{"name": f"track_{i}", "description": ""} for i in range(count)]
    if len(tracks) != count:
        raise ModelError(
            f"{weights}: the metadata names {len(tracks)} tracks, but the model has {count}"
        )
    for i, track in enumerate(tracks):
        name = track.get("name") if isinstance(track, dict) else None
        if not isinstance(name, str):
            raise ModelError(f"{weights}: track {i} of the metadata needs a name")
        wrong = [k for k, v in track.items() if isinstance(v, str) and NOT_TEXT.search(v)]
        if wrong or NOT_A_NAME.search(name):
            raise ModelError(
                f"{weights}: track {i} of the metadata: {(wrong or ['name'])[0]} has characters "
                "that are not text"
            )
    return [dict(track) for track in tracks]


def check_intervals(where: str, table: object) -> dict[str, list[Any]]:
    """Return the columns `chrom`, `start` and `end` of a table of intervals.

    Raises
    ------
    ModelError
        If they are not lists of one length, or the positions are not whole numbers of a genome's
        size.
    """
    found = table if isinstance(table, dict) else {}
    columns: list[Any] = [found.get(column) for column in ("chrom", "start", "end")]
    lengths = {len(column) if isinstance(column, list) else None for column in columns}
    if len(lengths) > 1 or None in lengths:
        raise ModelError(f"{where}: the columns of intervals are not lists of one length")
    contigs, *positions = columns
    for column in positions:
        for position in column:
            if not isinstance(position, int) or abs(position) > FARTHEST:
                raise ModelError(
                    f"{where}: intervals need whole numbers up to {FARTHEST:,}, "
                    f"not {show(position)}"
                )
    return {
        "chrom": [str(contig) for contig in contigs],
        "start": [*positions[0]],
        "end": [*positions[1]],
    }
