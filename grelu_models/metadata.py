"""The small YAML or JSON file beside a model's weights. Needs no torch, so it is quick to ask."""

from pathlib import Path

import yaml

from grelu_models.errors import ModelError

__all__ = ["find_architecture", "list_tracks", "name_tracks", "read_metadata"]

METADATA_KEYS = ("architecture", "window", "activation", "tracks", "train", "data")


def read_metadata(weights: Path) -> dict:
    """Read the metadata beside a weights file: `X.yaml`, `X.yml` or `X.json` for `X.safetensors`.

    Returns
    -------
    dict
        Empty where there is no such file. Keys: `METADATA_KEYS`.

    Raises
    ------
    ModelError
        If the file cannot be read or holds an unknown key.
    """
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


def list_tracks(weights: Path, given: dict | None = None) -> list[dict]:
    """List a model's tracks without loading its weights.

    Parameters
    ----------
    weights : Path
    given : dict, optional
        An architecture that goes before the metadata's.

    Raises
    ------
    ModelError
        If the weights do not exist, or their architecture or tracks are not known.
    """
    if not weights.is_file():
        raise ModelError(f"{weights}: no such weights file: check model.weights")
    metadata = read_metadata(weights)
    architecture = find_architecture(weights, metadata, given)
    count = architecture.get("n_tasks")
    if not isinstance(count, int) or count < 1:
        raise ModelError(f"{weights}: the architecture needs n_tasks, the number of tracks")
    return name_tracks(weights, metadata, count)
