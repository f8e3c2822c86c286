"""Small weights of SpliceAI for tests: a Keras 2 file of its graph, and OpenSpliceAI's names."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cases import draw_noise, fill_weights
from keras_files import Weights, layer, model, write_h5

CHANNELS = 4
STAGES = {80: [(11, 1)], 400: [(11, 1), (11, 4)], 2000: [(11, 1), (11, 4), (21, 10)]}
STAGES[10_000] = [*STAGES[2000], (41, 25)]
"""Context in bp -> kernel size and dilation of the four residual units of each stage."""


def list_layers(context: int, channels: int = CHANNELS) -> list[dict]:
    """The layers of SpliceAI in a Keras file, sorted by their distance from the output."""
    layers = list(_Graph(channels).build(context))
    distance = {layers[-1]["name"]: 0}
    for made in reversed(layers):
        for source in list_sources(made):
            distance[source] = max(distance.get(source, 0), distance[made["name"]] + 1)
    return sorted(layers, key=lambda made: -distance[made["name"]])


def list_sources(made: dict) -> list[str]:
    """Names of the layers that a layer reads."""
    return [tensor[0] for call in made["inbound_nodes"] for tensor in call]


class _Graph:
    """Layers under the names of Keras 2: their kind and a counter."""

    def __init__(self, channels: int) -> None:
        self.channels, self.counts = channels, {}

    def build(self, context: int) -> Iterator[dict]:
        yield layer("InputLayer", "input_1", batch_input_shape=[None, None, 4], dtype="float32")
        x = yield from self.conv("input_1", 1)
        total = yield from self.conv(x, 1)
        for kernel, dilation in STAGES[context]:
            for _ in range(4):
                out = x
                for _ in range(2):
                    out = yield from self.add(
                        "BatchNormalization", "batch_normalization", out, epsilon=0.001, axis=-1
                    )
                    out = yield from self.add("Activation", "activation", out, activation="relu")
                    out = yield from self.conv(out, kernel, dilation=dilation)
                x = yield from self.sum(out, x)
            skip = yield from self.conv(x, 1)
            total = yield from self.sum(total, skip)
        crop = [context // 2, context // 2]
        out = yield from self.add("Cropping1D", "cropping1d", total, cropping=crop)
        yield from self.conv(out, 1, filters=3, activation="softmax")

    def add(self, kind: str, prefix: str, source: str, **options) -> Iterator[dict]:
        number = self.counts[prefix] = self.counts.get(prefix, 0) + 1
        yield layer(kind, f"{prefix}_{number}", source, **options)
        return f"{prefix}_{number}"

    def conv(
        self,
        source: str,
        kernel: int,
        *,
        dilation: int = 1,
        filters: int | None = None,
        activation: str = "linear",
    ) -> Iterator[dict]:
        return self.add(
            "Conv1D",
            "conv1d",
            source,
            filters=filters or self.channels,
            kernel_size=[kernel],
            dilation_rate=[dilation],
            strides=[1],
            padding="same" if kernel > 1 else "valid",
            activation=activation,
            use_bias=True,
        )

    def sum(self, one: str, other: str) -> Iterator[dict]:
        number = self.counts["add"] = self.counts.get("add", 0) + 1
        made = layer("Add", f"add_{number}", one)
        made["inbound_nodes"][0].append([other, 0, 0, {}])
        yield made
        return f"add_{number}"


def draw_weights(layers: list[dict], channels: int = CHANNELS, *, seed: int = 0) -> Weights:
    """Weights of the layers that follow from their order and the seed only."""
    weights: Weights = {}
    for made in layers:
        name, options = made["name"], made["config"]
        inputs = 4 if list_sources(made) == ["input_1"] else channels
        shapes: dict[str, tuple[int, ...]] = {}
        if made["class_name"] == "Conv1D":
            filters = options["filters"]
            shapes = {"kernel": (*options["kernel_size"], inputs, filters), "bias": (filters,)}
        elif made["class_name"] == "BatchNormalization":
            shapes = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (channels,))
        weights[name] = {
            f"{name}/{kind}:0": _draw(kind, shape, seed=1000 * seed + len(weights))
            for kind, shape in shapes.items()
        }
    return weights


def _draw(kind: str, shape: tuple[int, ...], *, seed: int) -> np.ndarray:
    """Values with which the outputs of every layer stay of order 1."""
    noise = draw_noise(int(np.prod(shape)), seed=seed + 100 * len(kind)).reshape(shape).numpy()
    if kind == "kernel":
        return noise * np.float32((3 / np.prod(shape[:-1])) ** 0.5)
    return 1 + noise / 2 if kind in ("gamma", "moving_variance") else noise * np.float32(0.3)


def write_keras2(
    path: Path,
    context: int,
    layers: list[dict] | None = None,
    *,
    channels: int = CHANNELS,
    seed: int = 0,
) -> Path:
    """Write a `.h5` file of Keras 2 with the weights of SpliceAI's graph, or of other layers."""
    layers = layers or list_layers(context, channels)
    return write_h5(path, model(*layers), draw_weights(layers, channels, seed=seed))


def name_tensors(context: int, channels: int = CHANNELS) -> dict[str, Tensor]:
    """A state dict under the names of OpenSpliceAI, filled with numbers."""
    shapes = {"initial_conv": (channels, 4, 1), "initial_skip.conv": (channels, channels, 1)}
    norms = []
    for stage, (kernel, _) in enumerate(STAGES[context]):
        for at in range(5 * stage, 5 * stage + 4):
            unit = f"residual_units.{at}"
            shapes |= {f"{unit}.conv{i}": (channels, channels, kernel) for i in (1, 2)}
            norms += [f"{unit}.batchnorm{i}" for i in (1, 2)]
        shapes[f"residual_units.{5 * stage + 4}.conv"] = (channels, channels, 1)
    shapes["final_conv"] = (3, channels, 1)
    state = {f"{name}.weight": torch.empty(shape) for name, shape in shapes.items()}
    state |= {f"{name}.bias": torch.empty(shape[0]) for name, shape in shapes.items()}
    for name in norms:
        kinds = ("weight", "bias", "running_mean", "running_var")
        state |= {f"{name}.{kind}": torch.empty(channels) for kind in kinds}
        state[f"{name}.num_batches_tracked"] = torch.tensor(7)
    fill_weights(state)
    return state
