"""A Keras model as a list of steps: layers of nested models are in line, shapes are known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grelu_models.errors import ModelError
from grelu_models.files.keras import shapes, weights
from grelu_models.files.keras.inputs import find_input
from grelu_models.files.keras.network import Network
from grelu_models.files.keras.nodes import Call, Reference, list_ends, read_calls
from grelu_models.files.keras.options import LARGEST, LayerOptions, Shape
from grelu_models.files.keras.weights import show_shape
from grelu_models.files.keras_names import MODELS, get_config, get_layers, get_name
from grelu_models.files.limits import show

__all__ = ["INPUT", "Graph", "Step", "read_graph"]

MOST_STEPS = 10_000
"""Layers of a model; those of a nested model count every time that it is used."""

MOST_WORK = 500_000
"""Layers, calls and references that are looked at."""

INPUT = "InputLayer"
RULES = {**weights.RULES, **shapes.RULES}
SEVERAL = ("Concatenate", *shapes.MERGES)
"""Classes of layers with several inputs."""


@dataclass(frozen=True)
class Step:
    """A call of a layer.

    Attributes
    ----------
    path : str
        Name of the layer, after those of the models that it is part of. Steps of one path share
        their variables.
    kind : str
        Its class.
    sources : tuple of int
        The steps whose outputs are its inputs.
    options : dict
        What was read from its config, within limits.
    given : tuple
        Shapes of the inputs, without the batch.
    shape : tuple
        Shape of the output.
    """

    path: str
    kind: str
    sources: tuple[int, ...]
    options: dict[str, Any]
    given: tuple[Shape, ...]
    shape: Shape


@dataclass(frozen=True)
class Graph:
    """The steps of a model that one of its outputs needs.

    Attributes
    ----------
    steps : tuple of Step
        In order; the first one is the input (length, 4), and the last one is the output.
    """

    steps: tuple[Step, ...]

    @property
    def window(self) -> int | None:
        """Length of the input, if it is fixed."""
        return self.steps[0].shape[0]

    @property
    def channels(self) -> int | None:
        """Channels of the output, or its features."""
        return self.steps[-1].shape[-1]


def read_graph(
    path: Path, config: dict[str, Any], *, version: int, output: str | int | None = None
) -> Graph:
    """Read the graph of a model.

    Parameters
    ----------
    path : Path
        For error messages.
    config : dict
        `class_name` and `config` of the model.
    version : int
        2 or 3: that of the Keras that wrote the file.
    output : str or int, optional
        Name or number of the output. Default is None: the only one.

    Raises
    ------
    ModelError
        If the model has several inputs, or outputs of which none is chosen; if a layer would run
        code, is not known, or has options that are not supported. The message names it.
    """
    if config.get("class_name") not in MODELS:
        raise ModelError(
            f"{path}: the model is a {show(config.get('class_name'))}, whose code is not in the "
            "file: build it with keras.Model(inputs, outputs) and save that"
        )
    walk = _Walk(path, version)
    walk.add(Step("", INPUT, (), {}, (), find_input(path, config)))
    ends = walk.run(config, "", [0], output)
    if len(ends) != 1 or len(walk.steps[ends[0]].shape) not in (1, 2):
        raise ModelError(f"{path}: the output is not (length, tracks) or (tracks)")
    return Graph(_prune(walk.steps, ends[0]))


def _prune(steps: list[Step], end: int) -> tuple[Step, ...]:
    """The steps that one of them needs, which becomes the last one."""
    needed = {0, end}
    for i in range(end, 0, -1):
        if i in needed:
            needed |= {*steps[i].sources}
    kept = sorted(needed)
    place = {old: new for new, old in enumerate(kept)}
    return tuple(
        Step(s.path, s.kind, tuple(place[i] for i in s.sources), s.options, s.given, s.shape)
        for s in (steps[old] for old in kept)
    )


class _Walk:
    """Collects the steps of a model."""

    def __init__(self, path: Path, version: int) -> None:
        self.path, self.version = path, version
        self.steps: list[Step] = []
        self.read: dict[str, dict[str, Any]] = {}
        self.work = 0

    def spend(self, work: int) -> None:
        """Count what is looked at: nested models can make a small config a large model."""
        self.work += work
        if self.work > MOST_WORK:
            raise ModelError(f"{self.path}: refused, its nested models are too large")

    def add(self, step: Step) -> int:
        """Add a step; return its number."""
        if len(self.steps) >= MOST_STEPS:
            raise ModelError(f"{self.path}: refused, more than {MOST_STEPS:,} layers")
        self.steps.append(step)
        return len(self.steps) - 1

    def run(
        self, model: object, prefix: str, sources: list[int], output: str | int | None = None
    ) -> list[int]:
        """Add the layers of a model; return the steps of its outputs, or of the chosen one."""
        layers = get_layers(model)
        self.spend(len(layers) + 1)
        if isinstance(model, dict) and model.get("class_name") == "Sequential":
            self._choose(output, [get_name(layers[-1])] if layers else [], prefix)
            for layer in layers:
                if not (isinstance(layer, dict) and layer.get("class_name") == INPUT):
                    sources = self._call(layer, prefix, sources)
            return sources
        inputs = list_ends(get_config(model).get("input_layers"), self.path)
        outputs = list_ends(get_config(model).get("output_layers"), self.path)
        self.spend(len(inputs) + len(outputs))
        if len(inputs) != len(sources):
            raise ModelError(f"{self.path}: {prefix} has {len(sources)} inputs, not {len(inputs)}")
        chosen = self._choose(output, [end.name for end in outputs], prefix)
        network = Network(self.path, model, outputs, version=self.version)
        self.spend(network.work)
        values = {Call(end.name, 0): [source] for end, source in zip(inputs, sources, strict=True)}
        found = []
        for end in outputs if chosen is None else [outputs[chosen]]:
            call = network.locate(end, of_model=True)
            self._evaluate(call, network, prefix, values)
            found.append(self._pick(end, call, values))
        return found

    def _choose(self, output: str | int | None, names: list[str], prefix: str) -> int | None:
        """Number of the chosen output; None stands for all of a nested model."""
        if prefix:
            return None
        if isinstance(output, str) and output in names:
            return names.index(output)
        if isinstance(output, int) and output < len(names):
            return output
        if output is None and len(names) == 1:
            return 0
        shown = ", ".join(f"{i}: {show(name)}" for i, name in enumerate(names[:50]))
        raise ModelError(
            f"{self.path}: the model has {len(names)} outputs: choose one by its name or number in "
            f"model.output ({shown})"
            if output is None
            else f"{self.path}: the model has no output {show(output)}: it has {shown}"
        )

    def _pick(self, end: Reference, call: Call, values: dict[Call, list[int]]) -> int:
        found = values[call]
        if not 0 <= end.tensor < len(found):
            raise ModelError(f"{self.path}: layer {show(end.name)} has no output {end.tensor}")
        return found[end.tensor]

    def _evaluate(
        self,
        wanted: Call,
        network: Network,
        prefix: str,
        values: dict[Call, list[int]],
    ) -> None:
        """Add the steps that a call needs, and the call."""
        stack, entered = [wanted], {*()}
        while stack:
            call = stack[-1]
            if call in values:
                stack.pop()
                continue
            layer = network.layers.get(call.name)
            if layer is None or not 0 <= call.node < len(layer.calls):
                raise ModelError(
                    f"{self.path}: the config uses {show(call.name)}, which it does not define"
                )
            where = f"{self.path}: layer {show(prefix + call.name)}"
            ends = read_calls(where, layer.calls[call.node])
            self.spend(len(ends) + 1)
            needed = [network.locate(end) for end in ends]
            missing = [each for each in needed if each not in values]
            if missing and call in entered:
                raise ModelError(f"{where}: its input depends on its own output")
            entered.add(call)
            if missing:
                stack += missing
            else:
                sources = [
                    self._pick(end, each, values) for end, each in zip(ends, needed, strict=True)
                ]
                values[call] = self._call(layer.config, prefix, sources)

    def _call(self, layer: object, prefix: str, sources: list[int]) -> list[int]:
        """Add one call of a layer; return the steps of its outputs."""
        path, options = prefix + get_name(layer), get_config(layer)
        kind = layer.get("class_name") if isinstance(layer, dict) else None
        where = f"{self.path}: layer {show(path)} ({show_kind(kind)})"
        if kind in MODELS:
            return self.run(layer, f"{path}/", sources)
        if not isinstance(kind, str) or kind not in RULES:
            raise ModelError(f"{where} {_explain(kind)}")
        given = tuple(self.steps[i].shape for i in sources)
        if not given or (len(given) > 1 and kind not in SEVERAL):
            raise ModelError(f"{where} has {len(given)} inputs, which is not supported")
        shape, read = RULES[kind](LayerOptions(where, options, self.version), [*given])
        if math.prod(size or 1 for size in shape) > LARGEST:
            raise ModelError(f"{where}: refused, its output has the shape {show_shape(shape)}")
        if self.read.setdefault(path, read) != read:
            raise ModelError(f"{where} is used on inputs of other channels")
        return [self.add(Step(path, kind, tuple(sources), read, given, shape))]


def show_kind(kind: object) -> str:
    """A class name without quotes, if it is one."""
    return kind if isinstance(kind, str) and kind.isidentifier() else show(kind)


def _explain(kind: object) -> str:
    if kind == "Lambda":
        return (
            "runs Python code, which is never read from a file: replace it by layers of Keras, "
            "or use the model_type of a family that supplies it"
        )
    return f"is not supported: model_type Keras knows {', '.join(_list_kinds())}"


def _list_kinds() -> Iterator[str]:
    yield from sorted({*RULES} - {"Convolution1D"})
