"""References of a Keras config to the outputs of layers, in the formats of Keras 2 and 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from grelu_models.errors import ModelError
from grelu_models.files.limits import show

__all__ = ["Call", "Reference", "list_ends", "read_calls"]


class Reference(NamedTuple):
    """An output of a call of a layer, as in the file."""

    name: str
    node: int
    tensor: int


class Call(NamedTuple):
    """A call of a layer: its number counts from 0."""

    name: str
    node: int


HARMLESS = ("training", "mask")
"""Arguments of a call that are ignored if they are null, or false."""


def list_ends(value: object, path: Path) -> list[Reference]:
    """Return the inputs or outputs of a model: one reference, a list or a dict of them.

    Raises
    ------
    ModelError
        If it is none of these.
    """
    if isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str):
        return [_refer(f"{path}: config", value)]
    if isinstance(value, dict | list) and value:
        parts = value.values() if isinstance(value, dict) else value
        return [end for part in parts for end in list_ends(part, path)]
    raise ModelError(f"{path}: its config does not name the inputs and outputs of the model")


def read_calls(where: str, node: object) -> list[Reference]:
    """Return the inputs of one call of a layer.

    Parameters
    ----------
    where : str
        File and layer, for error messages.
    node : list or dict
        `[[name, node, tensor, arguments], ...]` of Keras 2, `{"args": ..., "kwargs": ...}` of 3.

    Raises
    ------
    ModelError
        If it is neither, or has other arguments than outputs of layers.
    """
    if isinstance(node, dict):
        _check_arguments(where, node.get("kwargs"))
        return list(_find_tensors(where, node.get("args")))
    if isinstance(node, list) and len(node) in (3, 4) and isinstance(node[0], str):
        node = [node]
    if not isinstance(node, list):
        raise ModelError(f"{where}: its inputs are not readable: {show(node)}")
    for part in node:
        _check_arguments(where, part[3] if isinstance(part, list) and len(part) > 3 else None)
    return [_refer(where, part) for part in node]


def _refer(where: str, value: object) -> Reference:
    if (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(type(part) is int and 0 <= part < 10**6 for part in value[1:3])
    ):
        return Reference(value[0], value[1], value[2])
    raise ModelError(f"{where}: {show(value)} is not an output of a layer")


def _check_arguments(where: str, arguments: Any) -> None:
    given = arguments if isinstance(arguments, dict) else {}
    for name, value in given.items():
        if value is not None and not (name in HARMLESS and value is False):
            raise ModelError(f"{where}: it is called with {show(name)}, which is not supported")


def _find_tensors(where: str, value: object) -> list[Reference]:
    """The outputs of layers among the arguments of a call."""
    if isinstance(value, list):
        return [found for part in value for found in _find_tensors(where, part)]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        config = value.get("config")
        return [_refer(where, config.get("keras_history") if isinstance(config, dict) else None)]
    if value is None:
        return []
    raise ModelError(f"{where}: it is called with {show(value)}, which is not supported")
