"""The layers of a Keras config with their calls: of any class, and nothing in them is executed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grelu_models.errors import ModelError
from grelu_models.files.keras.nodes import Reference, read_calls
from grelu_models.files.keras_names import get_config, get_layers, get_name
from grelu_models.files.limits import show

__all__ = ["CalledLayer", "list_layers", "read_layers"]


@dataclass(frozen=True)
class CalledLayer:
    """A layer with its calls, as in the file.

    Attributes
    ----------
    name, kind : str
        Its name and class.
    config : dict
        `class_name` and `config` of the layer, which is a nested model if it has layers.
    calls : list
        See `nodes.read_calls`.
    """

    name: str
    kind: str
    config: dict[str, Any]
    calls: list[Any]

    @property
    def options(self) -> dict[str, Any]:
        """The options of the layer."""
        return get_config(self.config)

    def read_inputs(self, path: Path) -> list[Reference]:
        """Return the inputs of all calls, or raise ModelError if they are not readable."""
        where = f"{path}: layer {show(self.name)}"
        return [end for call in self.calls for end in read_calls(where, call)]


def read_layers(path: Path, model: object) -> dict[str, CalledLayer]:
    """Return the layers of a model by name, without those of nested models.

    Parameters
    ----------
    path : Path
        For error messages.
    model : dict
        `class_name` and `config` of the model.

    Raises
    ------
    ModelError
        If a layer has no class, or no name of its own.
    """
    found: dict[str, CalledLayer] = {}
    for layer in get_layers(model):
        name = get_name(layer)
        kind = layer.get("class_name") if isinstance(layer, dict) else None
        calls = layer.get("inbound_nodes") if isinstance(layer, dict) else None
        if not name or name in found or not isinstance(kind, str):
            raise ModelError(f"{path}: a layer of its config has no name of its own")
        found[name] = CalledLayer(name, kind, layer, calls if isinstance(calls, list) else [])
    return found


def list_layers(path: Path, model: object) -> Iterator[CalledLayer]:
    """Yield the layers of a model and then those of its nested models, see `read_layers`."""
    left = [model]
    for each in left:
        for layer in read_layers(path, each).values():
            yield layer
            left.append(layer.config)
