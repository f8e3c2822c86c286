"""The graph of a Keras file of SpliceAI, walked along the paper's architecture.

What the walk returns does not depend on the names or the order of the layers, and a graph that
differs from the architecture in any layer is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grelu_models.files.keras_names import get_config, get_layers, get_name
from grelu_models.files.limits import show

__all__ = ["Node", "WrongGraph", "map_layers", "read_nodes"]


class WrongGraph(Exception):
    """A graph that is not SpliceAI's; the text says where it differs."""


@dataclass(frozen=True)
class Node:
    """A layer of a Keras graph.

    Attributes
    ----------
    name, kind : str
        Name of the layer, and its class in Keras.
    options : dict
        Its configuration.
    inputs : tuple of str
        Names of the layers whose outputs it reads.
    """

    name: str
    kind: str
    options: dict[str, Any]
    inputs: tuple[str, ...]


def read_nodes(config: dict[str, Any]) -> list[Node]:
    """List the layers of a graph that Keras 2 or 3 has written.

    Raises
    ------
    WrongGraph
        If a layer states no name, or its inputs are not layers.
    """
    nodes = []
    for layer in get_layers(config):
        name = get_name(layer)
        try:
            inputs = tuple(_find_inputs(layer["inbound_nodes"]))
        except (KeyError, TypeError, IndexError):
            inputs = ("",)
        if not name or "" in inputs:
            raise WrongGraph(f"the inputs of layer {show(name)} are not readable")
        nodes.append(Node(name, str(layer.get("class_name")), get_config(layer), inputs))
    return nodes


def _find_inputs(calls: list[Any]) -> Iterator[str]:
    """Names of the layers that a layer reads, in either form of `inbound_nodes`."""
    for call in calls:
        if isinstance(call, dict):  # Keras 3: tensors within the arguments
            yield from _find_tensors(call["args"])
        else:
            yield from (str(tensor[0]) for tensor in call)


def _find_tensors(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _find_tensors(each)
    elif isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        yield str(value["config"]["keras_history"][0])


def map_layers(nodes: list[Node], context: int) -> tuple[dict[str, str], float]:
    """Find the layers that have weights.

    Parameters
    ----------
    nodes : list of Node
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
    """
    from grelu_models.models.spliceai import CONTEXTS, STAGES, UNITS

    walk = _Walk(nodes)
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

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.readers: dict[str, list[Node]] = {}
        for node in nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)

    def find(self, kind: str) -> Node:
        """The first layer of a kind."""
        found = [node for node in self.nodes if node.kind == kind]
        if not found:
            raise WrongGraph(f"the graph is not SpliceAI's: it has no {kind}")
        return found[0]

    def follow(self, node: Node, kind: str, **options: object) -> Node:
        """The only reader of a layer's output that is of a kind and has these options."""
        found = [
            reader
            for reader in self.readers.get(node.name, [])
            if reader.kind == kind
            and reader.inputs == (node.name,)
            and all(_is_all(reader.options.get(key), value) for key, value in options.items())
        ]
        if len(found) != 1:
            shown = ", ".join(f"{key} {value}" for key, value in options.items())
            raise WrongGraph(
                f"the graph is not SpliceAI's: {show(node.name)} has {len(found)} readers {kind}"
                f"{shown and f' ({shown})'}, not 1"
            )
        return found[0]

    def join(self, one: Node, other: Node) -> Node:
        """The sum of two layers."""
        for reader in self.readers.get(one.name, []):
            if reader.kind == "Add" and {*reader.inputs} == {one.name, other.name}:
                return reader
        raise WrongGraph(
            f"the graph is not SpliceAI's: {show(one.name)} and {show(other.name)} are not added"
        )


def _is_all(value: object, wanted: object) -> bool:
    """Whether an option, or every number of its list, has a value."""
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(each == wanted for each in values)
