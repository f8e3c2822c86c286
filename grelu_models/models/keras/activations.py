"""Activations of Keras on values (N, channels, length) or (N, features)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from grelu_models.files.keras.activations import Activation
from grelu_models.layers.types import Layer

__all__ = ["Activate", "get_function"]

Function = Callable[[Tensor], Tensor]

PLAIN: dict[str, Function] = {
    "relu6": F.relu6,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "softplus": F.softplus,
    "gelu": F.gelu,
    "softsign": F.softsign,
    "tanh": torch.tanh,
    "exponential": torch.exp,
    "mish": F.mish,
    "log_sigmoid": F.logsigmoid,
    "hard_silu": lambda x: x * F.relu6(x + 3) / 6,
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,
    "hard_sigmoid_2": lambda x: (0.2 * x + 0.5).clamp(0, 1),
    "hard_tanh": F.hardtanh,
    "tanh_shrink": F.tanhshrink,
}


def relu(x: Tensor, options: dict[str, Any]) -> Tensor:
    """Keras' relu: a slope below a threshold, and a limit."""
    slope, threshold = options.get("negative_slope", 0.0), options.get("threshold", 0.0)
    most = options.get("max_value")
    if not threshold:
        x = F.leaky_relu(x, slope) if slope else F.relu(x)
    else:
        x = torch.where(x >= threshold, x, slope * (x - threshold))
    return x if most is None else x.clamp(max=most)


def softmax(x: Tensor, options: dict[str, Any]) -> Tensor:
    """Softmax over an axis of Keras' shape; None is its last one, the channels."""
    axis = options["axis"]
    return x.softmax(2 if axis == 0 and x.ndim == 3 else 1)


FUNCTIONS: dict[str, Callable[[Tensor, dict[str, Any]], Tensor]] = {
    "relu": relu,
    "elu": lambda x, options: F.elu(x, options["alpha"]),
    "thresholded": lambda x, options: torch.where(x > options["theta"], x, 0.0),
    "softmax": softmax,
    "log_softmax": lambda x, options: x.log_softmax(1),
}


def get_function(activation: Activation | None) -> Function | None:
    """Return the function of an activation; None is the identity."""
    if activation is None:
        return None
    if activation.name in PLAIN:
        return PLAIN[activation.name]
    function, options = FUNCTIONS[activation.name], activation.options
    return lambda x: function(x, options)


class Activate(Layer):
    """An activation as a layer.

    Parameters
    ----------
    activation : Activation or None
        None is the identity.
    """

    def __init__(self, activation: Activation | None) -> None:
        super().__init__()
        self.name = None if activation is None else activation.name
        self.function = get_function(activation)

    def extra_repr(self) -> str:
        return str(self.name)

    def forward(self, x: Tensor) -> Tensor:
        return x if self.function is None else self.function(x)
