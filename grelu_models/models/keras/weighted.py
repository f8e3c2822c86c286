"""Layers of Keras with variables: convolutions, dense layers, norms, slopes.

Each states the shapes of its variables in Keras, and converts them to its own parameters.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grelu_models.layers import PointwiseConv
from grelu_models.layers.types import Layer
from grelu_models.models.keras.activations import get_function

__all__ = [
    "BatchNorm",
    "Convolution",
    "Dense",
    "LayerNorm",
    "SeparableConvolution",
    "Slopes",
    "Weighted",
]

Shapes = dict[str, tuple[int, ...]]
"""Role of a variable -> shape in Keras."""


class Weighted(Layer):
    """A layer with variables."""

    shapes: Shapes

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the parameters by name, from variables of the stated shapes."""
        raise NotImplementedError


def pad_same(x: Tensor, *, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Pad (N, C, L) so that windows at every `stride` cover it: the odd position goes right."""
    length = x.shape[-1]
    total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return F.pad(x, (total // 2, total - total // 2), value=value) if total else x


class Convolution(Weighted):
    """Conv1D, or DepthwiseConv1D if the options have a multiplier: (N, C, L) -> (N, filters, L').

    Parameters
    ----------
    options : dict
        As `files.keras.weights` reads them.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        channels, kernel = options["channels"], options["kernel"]
        self.multiplier = options.get("multiplier")
        filters, groups = options.get("filters", 0), options.get("groups", 1)
        self.shapes = {"kernel": (kernel, channels // groups, filters)}
        if self.multiplier is not None:
            filters, groups = channels * self.multiplier, channels
            self.shapes = {"kernel": (kernel, channels, self.multiplier)}
        if options["bias"]:
            self.shapes["bias"] = (filters,)
        self.padding, self.stride = options["padding"], options["stride"]
        self.reach = (kernel - 1) * options["dilation"]
        even = self.padding == "same" and self.stride == 1 and self.reach % 2 == 0
        pointwise = kernel == 1 and self.stride == 1 and groups == 1
        self.before = 0 if even or self.padding == "valid" or pointwise else self.reach
        self.conv = (PointwiseConv if pointwise else nn.Conv1d)(
            channels,
            filters,
            kernel,
            stride=self.stride,
            padding=self.reach // 2 if even else 0,
            dilation=options["dilation"],
            groups=groups,
            bias=options["bias"],
        )
        self.activation = get_function(options["activation"])

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        kernel = variables["kernel"]
        if self.multiplier is not None:
            weight = kernel.permute(1, 2, 0).reshape(-1, 1, kernel.shape[0])
        else:
            weight = kernel.permute(2, 1, 0)
        bias = {"conv.bias": variables["bias"]} if "bias" in variables else {}
        return {"conv.weight": weight} | bias

    def forward(self, x: Tensor) -> Tensor:
        if self.before and self.padding == "causal":
            x = F.pad(x, (self.before, 0))
        elif self.before:
            x = pad_same(x, kernel=self.reach + 1, stride=self.stride)
        x = self.conv(x)
        return x if self.activation is None else self.activation(x)


class SeparableConvolution(Weighted):
    """SeparableConv1D: a depthwise convolution, then one of width 1."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        width, filters = options["channels"] * options["multiplier"], options["filters"]
        self.depthwise = Convolution({**options, "bias": False, "activation": None})
        point = {"channels": width, "kernel": 1, "stride": 1, "dilation": 1, "padding": "valid"}
        self.pointwise = Convolution(
            {**point, "filters": filters, "bias": options["bias"]}
            | {"activation": options["activation"]}
        )
        self.shapes = {
            "depthwise_kernel": self.depthwise.shapes["kernel"],
            "pointwise_kernel": (1, width, filters),
        }
        if options["bias"]:
            self.shapes["bias"] = (filters,)

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        first = self.depthwise.convert({"kernel": variables["depthwise_kernel"]})
        rest = {name: value for name, value in variables.items() if name == "bias"}
        second = self.pointwise.convert({"kernel": variables["pointwise_kernel"], **rest})
        return {f"depthwise.{name}": value for name, value in first.items()} | {
            f"pointwise.{name}": value for name, value in second.items()
        }

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


class Dense(Weighted):
    """Dense: over the channels of (N, C, L), or over features (N, C)."""

    def __init__(self, options: dict[str, Any], *, rank: int) -> None:
        super().__init__()
        channels, units, bias = options["channels"], options["units"], options["bias"]
        self.shapes = {"kernel": (channels, units)} | ({"bias": (units,)} if bias else {})
        self.rank = rank
        self.linear: nn.Module = (
            nn.Linear(channels, units, bias=bias)
            if rank == 1
            else PointwiseConv(channels, units, 1, bias=bias)
        )
        self.activation = get_function(options["activation"])

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        weight = variables["kernel"].T
        bias = {"linear.bias": variables["bias"]} if "bias" in variables else {}
        return {"linear.weight": weight if self.rank == 1 else weight[:, :, None]} | bias

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x)
        return x if self.activation is None else self.activation(x)


class BatchNorm(Weighted):
    """BatchNormalization over the channels, with the moving statistics."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        channels = options["channels"]
        names = [("gamma", options["scale"]), ("beta", options["center"])]
        names += [("moving_mean", True), ("moving_variance", True)]
        self.shapes = {name: (channels,) for name, kept in names if kept}
        self.epsilon = options["epsilon"]
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            self.register_buffer(name, torch.empty(channels))

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        mean = variables["moving_mean"]
        return {"gamma": torch.ones_like(mean), "beta": torch.zeros_like(mean), **variables}

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.get_buffer("moving_mean"), self.get_buffer("moving_variance")
        gamma, beta = self.get_buffer("gamma"), self.get_buffer("beta")
        return F.batch_norm(x, mean, variance, gamma, beta, eps=self.epsilon)


class LayerNorm(Weighted):
    """LayerNormalization over the channels."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        channels = options["channels"]
        names = (("gamma", options["scale"]), ("beta", options["center"]))
        self.shapes = {name: (channels,) for name, kept in names if kept}
        for name in self.shapes:
            self.register_parameter(name, nn.Parameter(torch.empty(channels)))
        self.channels, self.epsilon = channels, options["epsilon"]

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        return dict(variables)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = getattr(self, "gamma", None), getattr(self, "beta", None)
        last = x.transpose(1, -1)
        return F.layer_norm(last, (self.channels,), weight, bias, self.epsilon).transpose(1, -1)


class Slopes(Weighted):
    """PReLU: a slope per channel, or per position and channel."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        shape = options["shape"]
        self.shapes = {"alpha": shape}
        self.alpha = nn.Parameter(torch.empty(*reversed(shape)))

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        return {
            "alpha": variables["alpha"].T if variables["alpha"].ndim == 2 else variables["alpha"]
        }

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, self.alpha * x)
