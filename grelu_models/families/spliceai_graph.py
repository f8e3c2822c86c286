"""The graph of a Keras file of SpliceAI, walked along the paper's architecture.

What the walk returns does not depend on the names or the order of the layers, and a graph that
differs from the architecture in any layer is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grelu_models.files.keras.layers import CalledLayer, read_layers
from grelu_models.files.limits import show

__all__ = ["WrongGraph", "map_layers"]


class WrongGraph(Exception):
    """A graph that is not SpliceAI's; the text says where it differs."""


def map_layers(path: Path, model: dict[str, Any], context: int) -> tuple[dict[str, str], float]:
    """Find the layers that have weights.

    Parameters
    ----------
    path : Path
        For error messages.
    model : dict
        `class_name` and `config` of the model.
    context : int
        Base pairs, a key of `models.spliceai.CONTEXTS`.

    Returns
    -------
    dict
        Name of a layer -> our module.
    float
        Epsilon of the batch norms.

    Raises
    ------
    WrongGraph
        If the graph differs from the architecture; the message names the layer after which it does.
    ModelError
        If the graph is not readable.
    """
    from grelu_models.models.spliceai import CONTEXTS, STAGES, UNITS

    walk = _Walk(path, model)
    eps = walk.find("BatchNormalization").options.get("epsilon")
    if not (isinstance(eps, float) and 0 < eps < 1):
        raise WrongGraph(f"the epsilon of its batch norms is {show(eps)}, not between 0 and 1")
    width = {"activation": "linear", "kernel_size": 1, "strides": 1}
    x = walk.follow(walk.find("InputLayer"), "Conv1D", **width)
    total = walk.follow(x, "Conv1D", **width)
    modules = {x.name: "initial_conv", total.name: "initial_skip.conv"}
    at = 0
    for kernel, dilation in STAGES[: CONTEXTS[context]]:
        size = width | {"kernel_size": kernel, "dilation_rate": dilation, "padding": "same"}
        for _ in range(UNITS):
            out = x
            for i in (1, 2):
                norm = walk.follow(out, "BatchNormalization", epsilon=eps)
                act = walk.follow(norm, "Activation", activation="relu")
                out = walk.follow(act, "Conv1D", **size)
                modules[norm.name] = f"residual_units.{at}.batchnorm{i}"
                modules[out.name] = f"residual_units.{at}.conv{i}"
            x = walk.join(x, out)
            at += 1
        skip = walk.follow(x, "Conv1D", **width)
        modules[skip.name] = f"residual_units.{at}.conv"
        total = walk.join(total, skip)
        at += 1
    crop = walk.follow(total, "Cropping1D", cropping=context // 2)
    modules[walk.follow(crop, "Conv1D", **width | {"activation": "softmax"}).name] = "final_conv"
    return modules, eps


class _Walk:
    """Steps from a layer to the one that reads its output."""

    def __init__(self, path: Path, model: dict[str, Any]) -> None:
        self.layers = read_layers(path, model)
        self.inputs: dict[str, list[str]] = {}
        self.readers: dict[str, list[CalledLayer]] = {}
        for layer in self.layers.values():
            names = [end.name for end in layer.read_inputs(path)]
            if not self.layers.keys() >= {*names}:
                raise WrongGraph(f"the inputs of layer {show(layer.name)} are not readable")
            self.inputs[layer.name] = names
            for name in names:
                self.readers.setdefault(name, []).append(layer)

    def find(self, kind: str) -> CalledLayer:
        """The first layer of a kind."""
        found = [layer for layer in self.layers.values() if layer.kind == kind]
        if not found:
            raise WrongGraph(f"the graph is not SpliceAI's: it has no {kind}")
        return found[0]

    def follow(self, layer: CalledLayer, kind: str, **options: object) -> CalledLayer:
        """The only reader of a layer's output that is of a kind and has these options."""
        found = [
            reader
            for reader in self.readers.get(layer.name, [])
            if reader.kind == kind
            and self.inputs[reader.name] == [layer.name]
            and all(_is_all(reader.options.get(key), value) for key, value in options.items())
        ]
        if len(found) != 1:
            shown = ", ".join(f"{key} {value}" for key, value in options.items())
            raise WrongGraph(
                f"the graph is not SpliceAI's: {show(layer.name)} has {len(found)} readers {kind}"
                f"{shown and f' ({shown})'}, not 1"
            )
        return found[0]

    def join(self, one: CalledLayer, other: CalledLayer) -> CalledLayer:
        """The sum of two layers."""
        for reader in self.readers.get(one.name, []):
            if reader.kind == "Add" and {*self.inputs[reader.name]} == {one.name, other.name}:
                return reader
        raise WrongGraph(
            f"the graph is not SpliceAI's: {show(one.name)} and {show(other.name)} are not added"
        )


def _is_all(value: object, wanted: object) -> bool:
    """Whether an option, or every number of its list, has a value."""
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(each == wanted for each in values)
