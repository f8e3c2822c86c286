"""The YAML or JSON file beside a weights file: `X.yaml`, `X.yml` or `X.json` for `X.ckpt`.

It takes precedence over the metadata in the weights file, key by key. Needs no torch.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from grelu_models.errors import ModelError
from grelu_models.files.architecture import LONGEST_WINDOW, MOST_TRACKS, check_architecture
from grelu_models.files.limits import show
from grelu_models.files.metadata import KEYS, UNSTATED, Metadata, check_intervals
from grelu_models.files.paths import is_file
from grelu_models.files.yaml_text import parse_yaml

__all__ = ["find_beside", "find_origins", "name_origin", "read_beside"]

LARGEST = 16 * 2**20
"""Bytes of the largest file. 7,611 tracks with 8 columns need 2 MB."""
LONGEST_LINE = 2_000
"""Characters of the licence, and of the citation."""


def find_beside(weights: Path) -> Path | None:
    """The YAML or JSON file beside a weights file, which describes the model; None without one."""
    paths = (weights.with_suffix(suffix) for suffix in (".yaml", ".yml", ".json"))
    return next((path for path in paths if is_file(path)), None)


def read_beside(weights: Path) -> Metadata:
    """Read the YAML or JSON file beside a weights file.

    Returns
    -------
    Metadata
        Nothing is stated if there is no such file.

    Raises
    ------
    ModelError
        If the file cannot be read, exceeds a limit, or has an unknown key or a value of another
        type. The message names file and key.
    """
    path = find_beside(weights)
    if path is None:
        return Metadata()
    stated = _parse(path)
    if not isinstance(stated, dict):
        raise ModelError(f"{path}: must hold keys and values, e.g. 'architecture:'")
    unknown = sorted(show(key) for key in stated if key not in KEYS)
    if unknown:
        raise ModelError(f"{path}: unknown key {unknown[0]}: use {', '.join(KEYS)}")
    read: dict[str, Any] = {
        key: None if value is None else READERS[key](f"{path}: {key}", value)
        for key, value in stated.items()
    }
    return Metadata(**read)


def find_origins(weights: Path, stated: Metadata) -> dict[str, Path]:
    """Keys that the file beside the weights states, which was read, -> that file."""
    path = find_beside(weights)
    keys = [key for key in KEYS if getattr(stated, key) is not UNSTATED]
    return dict.fromkeys(keys, path) if path else {}


@contextmanager
def name_origin(stated_in: dict[str, Path]) -> Iterator[None]:
    """Name the file beside the weights in errors of an architecture that it states.

    Raises
    ------
    ModelError
        Those of the block.
    """
    try:
        yield
    except ModelError as error:
        if "architecture" not in stated_in:
            raise
        raise ModelError(f"{stated_in['architecture']}: architecture: {error}") from error


def _parse(path: Path) -> object:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ModelError(f"{path}: refused, it is {size:,} bytes (at most {LARGEST:,})")
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: not readable as YAML or JSON: {reason}") from error


def _read_architecture(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelError(f"{where} must hold model_type and its arguments, not {show(value)}")
    check_architecture(where, value)
    return value


def _read_length(where: str, value: object) -> int:
    if type(value) is not int or not 1 <= value <= LONGEST_WINDOW:
        raise ModelError(
            f"{where} must be a whole number from 1 to {LONGEST_WINDOW:,}, not {show(value)}"
        )
    return value


def _read_name(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise ModelError(f"{where} must be a name, not {show(value)}")
    return value


def _read_line(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise ModelError(f"{where} must be text, not {show(value)}")
    line = " ".join(value.split())
    if not line.isprintable() or not 0 < len(line) <= LONGEST_LINE:
        raise ModelError(f"{where} must be 1 to {LONGEST_LINE:,} printable characters")
    return line


def _read_tracks(where: str, value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(track, dict) for track in value):
        raise ModelError(f"{where} must list one track per channel, e.g. '- name: atac'")
    if len(value) > MOST_TRACKS:
        raise ModelError(f"{where}: refused, more than {MOST_TRACKS:,} tracks")
    for i, track in enumerate(value):
        for column, cell in track.items():
            if not isinstance(column, str):
                raise ModelError(f"{where}: track {i}: {show(column)} is not the name of a column")
            if not _is_cell(cell):
                raise ModelError(
                    f"{where}: track {i}: {column} must be text or a number, not {show(cell)}"
                )
    tracks: list[dict[str, Any]] = _as_json(where, value)
    return tracks


def _read_train(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelError(f"{where} must hold keys and values, not {show(value)}")
    train: dict[str, Any] = _as_json(where, value)
    return train


def _read_intervals(where: str, value: object) -> dict[str, dict[str, list[Any]]]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ModelError(
            f"{where} must hold columns of chrom, start and end for train, val and test, "
            f"not {show(value)}"
        )
    return {name: check_intervals(f"{where}: {name}", table) for name, table in value.items()}


def _is_cell(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | date)


def _as_json(where: str, value: Any) -> Any:
    """Convert dates to text; refuse values that JSON does not have."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str | int | float | None):
                raise ModelError(f"{where}: {show(key)} is not a key")
        return {key: _as_json(where, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(where, item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if not _is_cell(value):
        raise ModelError(f"{where}: {show(value)} is neither text nor a number")
    return value


READERS: dict[str, Callable[[str, object], object]] = {
    "architecture": _read_architecture,
    "window": _read_length,
    "bin_size": _read_length,
    "activation": _read_name,
    "tracks": _read_tracks,
    "train": _read_train,
    "data": lambda _, value: value,
    "intervals": _read_intervals,
    "licence": _read_line,
    "citation": _read_line,
}
"""Key -> the function that checks its value, given file and key for error messages."""
