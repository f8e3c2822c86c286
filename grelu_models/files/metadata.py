"""The metadata of a model, as stated in its files. Needs no torch.

A weights file may contain metadata; a YAML or JSON file of the same stem beside it (`X.yaml`,
`X.yml` or `X.json` for `X.ckpt`) takes precedence, key by key.
"""

from dataclasses import dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final

import yaml

from grelu_models.errors import ModelError

__all__ = [
    "UNSTATED",
    "Architecture",
    "Intervals",
    "Metadata",
    "Track",
    "find_architecture",
    "name_tracks",
    "read_beside",
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

    Values are read from files and checked where they are used. The default of every field is
    `UNSTATED`.

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
    """

    architecture: Architecture | None | Unstated = UNSTATED
    window: int | None | Unstated = UNSTATED
    bin_size: int | None | Unstated = UNSTATED
    activation: str | None | Unstated = UNSTATED
    tracks: list[Track] | None | Unstated = UNSTATED
    train: dict[str, Any] | None | Unstated = UNSTATED
    data: object = UNSTATED
    intervals: Intervals | None | Unstated = UNSTATED

    def override(self, other: "Metadata") -> "Metadata":
        """Return a copy in which every key that `other` states is replaced."""
        given = {key: getattr(other, key) for key in KEYS}
        return replace(
            self, **{key: value for key, value in given.items() if value is not UNSTATED}
        )


KEYS = tuple(field.name for field in fields(Metadata))


def read_beside(weights: Path) -> Metadata:
    """Read the YAML or JSON file beside a weights file.

    Returns
    -------
    Metadata
        Nothing is stated if there is no such file.

    Raises
    ------
    ModelError
        If the file cannot be read or has an unknown key.
    """
    paths = (weights.with_suffix(suffix) for suffix in (".yaml", ".yml", ".json"))
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return Metadata()
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: not readable as YAML or JSON: {reason}") from error
    if not isinstance(stated, dict):
        raise ModelError(f"{path}: must hold keys and values, e.g. 'architecture:'")
    unknown = sorted(str(key) for key in stated if key not in KEYS)
    if unknown:
        raise ModelError(f"{path}: unknown key {unknown[0]!r}: use {', '.join(KEYS)}")
    return Metadata(**stated)


def find_architecture(
    weights: Path, stated: Metadata, given: Architecture | None = None
) -> Architecture:
    """Return a copy of the given architecture, or else of the one in the metadata.

    Raises
    ------
    ModelError
        If there is neither.
    """
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
        If there are not `count` tracks, or one has no name.

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
        if not isinstance(track, dict) or not isinstance(track.get("name"), str):
            raise ModelError(f"{weights}: track {i} of the metadata needs a name")
    return [dict(track) for track in tracks]
