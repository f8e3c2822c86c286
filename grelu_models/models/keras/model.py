"""A Keras model as a torch module: its steps, one after the other."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.files.keras.activations import LAYERS
from grelu_models.files.keras.graph import Graph, Step
from grelu_models.files.limits import show
from grelu_models.layers.types import Layer
from grelu_models.models.keras.activations import Activate
from grelu_models.models.keras.plain import FUNCTIONS
from grelu_models.models.keras.recurrent import Bidirectional, Recurrent
from grelu_models.models.keras.weighted import (
    BatchNorm,
    Convolution,
    Dense,
    LayerNorm,
    SeparableConvolution,
    Slopes,
    Weighted,
)

__all__ = ["KerasModel"]

Builder = Callable[[Step], Weighted]

WEIGHTED: dict[str, Builder] = {
    "Conv1D": lambda step: Convolution(step.options),
    "Convolution1D": lambda step: Convolution(step.options),
    "DepthwiseConv1D": lambda step: Convolution(step.options),
    "SeparableConv1D": lambda step: SeparableConvolution(step.options),
    "Dense": lambda step: Dense(step.options, rank=len(step.shape)),
    "TimeDistributed": lambda step: Dense(step.options, rank=len(step.shape)),
    "BatchNormalization": lambda step: BatchNorm(step.options),
    "LayerNormalization": lambda step: LayerNorm(step.options),
    "PReLU": lambda step: Slopes(step.options),
    "GRU": lambda step: Recurrent(step.options),
    "LSTM": lambda step: Recurrent(step.options),
    "Bidirectional": lambda step: Bidirectional(step.options),
}


class KerasModel(Layer):
    """One-hot bases (N, 4, L) -> (N, tracks, bins).

    Activations that the model contains are applied: the output has the scale of its training.

    Parameters
    ----------
    graph : Graph
        From `files.keras.graph.read_graph`.

    Examples
    --------
    >>> graph = Graph((Step("", "InputLayer", (), {}, (), (None, 4)),))
    >>> KerasModel(graph)(torch.zeros(1, 4, 100)).shape
    torch.Size([1, 4, 100])
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.steps = graph.steps
        self.layers = nn.ModuleList()
        self.paths: list[str] = []
        self.calls: list[Callable[..., Tensor]] = []
        known: dict[str, Weighted] = {}
        for step in graph.steps[1:]:
            if step.kind in WEIGHTED:
                if step.path not in known:
                    known[step.path] = WEIGHTED[step.kind](step)
                    self.layers.append(known[step.path])
                    self.paths.append(step.path)
                self.calls.append(known[step.path])
            else:
                self.calls.append(_make_plain(step))
        self.drops = _find_last_uses(graph.steps)

    def convert(self, variables: Mapping[str, Tensor], *, source: str) -> dict[str, Tensor]:
        """Return the state dict of the module from the variables of a Keras file.

        Parameters
        ----------
        variables : mapping
            By the names of `files.keras_names`, in Keras' shapes. Those of outputs that are not
            computed are left out.
        source : str
            Name of the file, for error messages.

        Raises
        ------
        ModelError
            If variables are missing or have other shapes than the config states, or a layer has
            one that the config does not state. The message names the first ones.
        """
        state: dict[str, Tensor] = {}
        wrong: list[str] = []
        for i, (path, layer) in enumerate(zip(self.paths, self.layers, strict=True)):
            assert isinstance(layer, Weighted)
            own = {name: each for name, each in variables.items() if name.startswith(f"{path}/")}
            problems = _compare(path, layer, own)
            wrong += problems
            if not problems:
                given = {role: own[f"{path}/{role}"] for role in layer.shapes}
                converted = layer.convert(given)
                state |= {f"layers.{i}.{name}": value for name, value in converted.items()}
        if wrong:
            more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise ModelError(
                f"{source}: the weights do not fit the config: {'; '.join(wrong[:5])}{more}"
            )
        return state

    def forward(self, x: Tensor) -> Tensor:
        values: dict[int, Tensor] = {0: x}
        for i, (step, call) in enumerate(zip(self.steps[1:], self.calls, strict=True), start=1):
            values[i] = call(*(values[source] for source in step.sources))
            for done in self.drops[i]:
                del values[done]
        out = values[len(self.steps) - 1]
        return out if out.ndim == 3 else out[:, :, None]


def _make_plain(step: Step) -> Callable[..., Tensor]:
    """The function of a layer without variables."""
    if step.kind == "Activation" or step.kind in LAYERS:
        return Activate(step.options["activation"])
    function, options = FUNCTIONS[step.kind], step.options
    return lambda *values: function(options, *values)


def _find_last_uses(steps: tuple[Step, ...]) -> list[list[int]]:
    """For each step, the values that no later one needs."""
    last = {source: i for i, step in enumerate(steps) for source in step.sources}
    drops: list[list[int]] = [[] for _ in steps]
    for source, i in last.items():
        drops[i].append(source)
    return drops


def _compare(path: str, layer: Weighted, variables: Mapping[str, Tensor]) -> list[str]:
    """What is wrong with the variables of a layer."""
    wrong = []
    for role, shape in layer.shapes.items():
        name = f"{path}/{role}"
        if name not in variables:
            wrong.append(f"{show(name)} is missing")
        elif variables[name].shape != torch.Size(shape):
            found = tuple(variables[name].shape)
            wrong.append(f"{show(name)} is {found} where the config has {shape}")
    wanted = {f"{path}/{role}" for role in layer.shapes}
    wrong += [f"{show(name)} is not part of the config" for name in variables if name not in wanted]
    return wrong
