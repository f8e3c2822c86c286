"""What a checkpoint says of its model, and the small YAML or JSON file beside the weights.

Needs no torch, so it is quick to ask.
"""

from pathlib import Path

import yaml

from grelu_models.errors import ModelError
from grelu_models.files.lightning import read_checkpoint_metadata

__all__ = ["find_architecture", "name_tracks", "read_metadata"]

METADATA_KEYS = (
    "architecture",
    "window",
    "bin_size",
    "activation",
    "tracks",
    "train",
    "data",
    "intervals",
)


def read_metadata(weights: Path) -> dict:
    """Read what is known of a model without its weights.

    That is what a gReLU checkpoint says itself; a file beside the weights (`X.yaml`, `X.yml` or
    `X.json` for `X.ckpt`) goes before it, key by key.

    Returns
    -------
    dict
        Empty where nothing is known. Keys: `METADATA_KEYS`.

    Raises
    ------
    ModelError
        If a file cannot be read, or the one beside the weights holds an unknown key.
    """
    own = (read_checkpoint_metadata(weights) or {}) if weights.is_file() else {}
    return own | _read_beside(weights)


def _read_beside(weights: Path) -> dict:
    paths = (weights.with_suffix(suffix) for suffix in (".yaml", ".yml", ".json"))
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return {}
    try:
        metadata = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: not readable as YAML or JSON: {reason}") from error
    if not isinstance(metadata, dict):
        raise ModelError(f"{path}: must hold keys and values, e.g. 'architecture:'")
    unknown = sorted(str(key) for key in metadata if key not in METADATA_KEYS)
    if unknown:
        raise ModelError(f"{path}: unknown key {unknown[0]!r}: use {', '.join(METADATA_KEYS)}")
    return metadata


def find_architecture(weights: Path, metadata: dict, given: dict | None = None) -> dict:
    """Return the architecture the caller gave, else the metadata's.

    Raises
    ------
    ModelError
        If neither has one.
    """
    architecture = given or metadata.get("architecture")
    if not isinstance(architecture, dict):
        raise ModelError(
            f"{weights}: the architecture is not known: give model.architecture, "
            f"or write it into {weights.with_suffix('.yaml').name} beside the weights"
        )
    return dict(architecture)


def name_tracks(weights: Path, metadata: dict, count: int) -> list[dict]:
    """Return one dict (`name`, any other column) for each of a model's `count` tracks.

    Raises
    ------
    ModelError
        If the metadata names another number of tracks, or one has no name.
    """
    tracks = metadata.get("tracks")
    if tracks is None:
        return [{"name": f"track_{i}", "description": ""} for i in range(count)]
    if len(tracks) != count:
        raise ModelError(
            f"{weights}: the metadata names {len(tracks)} tracks, the model has {count}"
        )
    for i, track in enumerate(tracks):
        if not isinstance(track, dict) or not isinstance(track.get("name"), str):
            raise ModelError(f"{weights}: track {i} of the metadata needs a name")
    return [dict(track) for track in tracks]
