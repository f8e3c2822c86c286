"""The layers of one Functional model, and which of their calls a reference means."""

from __future__ import annotations

from pathlib import Path

from grelu_models.errors import ModelError
from grelu_models.files.keras.layers import read_layers
from grelu_models.files.keras.nodes import Call, Reference, read_calls
from grelu_models.files.keras_names import MODELS

__all__ = ["Network"]


class Network:
    """The layers of a Functional model by name.

    Parameters
    ----------
    path : Path
        For error messages.
    model : dict
        `class_name` and `config` of the model.
    outputs : list of Reference
        Of the model.
    version : int
        2 or 3: that of the Keras that wrote the file.

    Attributes
    ----------
    layers : dict
    work : int
        References that were looked at.
    """

    def __init__(
        self, path: Path, model: object, outputs: list[Reference], *, version: int
    ) -> None:
        self.layers = read_layers(path, model)
        self.work = 0
        self._first: dict[tuple[bool, str], int] = {}
        if any(layer.kind in MODELS and len(layer.calls) > 1 for layer in self.layers.values()):
            self._find_first_calls(path, outputs, version)

    def _find_first_calls(self, path: Path, outputs: list[Reference], version: int) -> None:
        """Find out whether the calls of nested models count from 0 or from 1.

        Keras 2 counts them from 1, Keras 3 only for the outputs of a model, and not those of a
        Sequential. The numbers that occur take precedence: 0, or that of all calls.
        """
        inner: list[Reference] = []
        for layer in self.layers.values():
            for call in layer.calls:
                try:
                    inner += read_calls(str(path), call)
                except ModelError:
                    continue  # raised again if the call is needed
            self.work += len(layer.calls)
        self.work += len(inner)
        numbers: dict[tuple[bool, str], set[int]] = {}
        for of_model, ends in ((True, outputs), (False, inner)):
            for end in ends:
                numbers.setdefault((of_model, end.name), set()).add(end.node)
        for (of_model, name), found in numbers.items():
            nested = self.layers.get(name)
            if nested is not None and nested.kind in MODELS:
                usual = version == 2 or (of_model and nested.kind != "Sequential")
                first = 0 if 0 in found else 1 if len(nested.calls) in found else int(usual)
                self._first[of_model, name] = first

    def locate(self, end: Reference, *, of_model: bool = False) -> Call:
        """Return the call that a reference means; `of_model` if it is an output of the model."""
        layer = self.layers.get(end.name)
        if layer is None or len(layer.calls) <= 1:
            return Call(end.name, 0)
        return Call(end.name, end.node - self._first.get((of_model, end.name), 0))
