"""Activations by name."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from grelu_models.layers.registry import choose
from grelu_models.layers.types import Layer, Wrapper

__all__ = ["ACTIVATIONS", "Activation", "EnformerGELU", "Exp"]


class Exp(Layer):
    """Elementwise exponential."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(x)


class EnformerGELU(Layer):
    """Enformer's approximation of the GELU: x * sigmoid(1.702 x).

    Avsec et al. 2021, 10.1038/s41592-021-01252-x.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str | None, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "gelu_borzoi": partial(nn.GELU, approximate="tanh"),
    "gelu_enformer": EnformerGELU,
    "softplus": nn.Softplus,
    "exp": Exp,
    None: nn.Identity,
}


class Activation(Wrapper):
    """Elementwise nonlinearity, chosen by name.

    Parameters
    ----------
    func : str or None
        "relu", "elu", "gelu" (exact), "gelu_borzoi" (tanh approximation), "gelu_enformer"
        (sigmoid approximation), "softplus" or "exp". None is the identity.

    Raises
    ------
    ModelError
        If the name is unknown.
    """

    def __init__(self, func: str | None) -> None:
        super().__init__()
        self.layer = choose(ACTIVATIONS, func, "activation")()
