"""ExplaiNN's trunk: independent units of one filter each.

Novakovsky et al. 2023, 10.1186/s13059-023-02985-y. This follows the paper, because gReLU's classes
of these names do not run.
"""

import torch
from einops import rearrange
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.layers import Activation, Dropout, Norm
from grelu_models.layers.types import Device, Factory, Layer

__all__ = ["ExplaiNNConvBlock", "ExplaiNNTrunk"]

POOL = 7
"""Positions of a filter's output that are pooled into one."""

HIDDEN = 100
"""Width of the hidden layer of a unit."""


class ExplaiNNConvBlock(Layer):
    """Grouped convolution, batch norm, activation, dropout and max pooling, flattened.

    (N, in_channels, L) -> (N, out_channels * positions, 1). The positions of a channel are
    adjacent.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, groups : int
        As of `nn.Conv1d`. The convolution is not padded.
    act_func : str or None
        See `Activation`.
    dropout : float
        Probability.
    pool_size : int
        Positions pooled into one. Default is 1: no pooling.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        groups: int,
        act_func: str | None,
        dropout: float,
        dtype: torch.dtype | None = None,
        device: Device = None,
        pool_size: int = 1,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, groups=groups, **factory)
        self.norm = Norm("batch", out_channels, **factory)
        self.act = Activation(act_func)
        self.dropout = Dropout(dropout)
        self.pool = nn.MaxPool1d(pool_size) if pool_size > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.dropout(self.act(self.norm(self.conv(x)))))
        return rearrange(x, "n c l -> n (c l) 1")


class ExplaiNNTrunk(Layer):
    """Independent units: one-hot bases (N, 4, in_len) -> (N, channels, 1), one value per unit.

    A unit consists of

    1. one filter, without padding, with exponential activation and max pooling by 7;
    2. a dense layer of 100 over all positions of the filter, with ReLU and dropout of 0.3;
    3. a dense layer of 1, with ReLU.

    Each layer has a batch norm before the activation. All units run as one grouped convolution per
    layer, one group per unit. The first layer has a single group, because all units read the same
    bases.

    Parameters
    ----------
    in_len : int
        Base pairs of a sequence; at least `kernel_size` + 6.
    channels : int
        Units. Default is 300.
    kernel_size : int
        Width of a unit's filter in base pairs. Default is 19.

    Raises
    ------
    ModelError
        If `in_len` is too short.
    """

    def __init__(
        self,
        in_len: int,
        channels: int = 300,
        kernel_size: int = 19,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        positions = (in_len - kernel_size + 1) // POOL
        if positions < 1:
            raise ModelError(
                f"in_len {in_len} is too short for filters of {kernel_size} bp pooled by {POOL}: "
                f"it must be at least {kernel_size + POOL - 1}"
            )
        first = ExplaiNNConvBlock(
            4, channels, kernel_size, 1, "exp", 0.0, pool_size=POOL, **factory
        )
        hidden, width = HIDDEN * channels, positions * channels
        self.blocks = nn.ModuleList(
            [
                first,
                ExplaiNNConvBlock(width, hidden, 1, channels, "relu", 0.3, **factory),
                ExplaiNNConvBlock(hidden, channels, 1, channels, "relu", 0.0, **factory),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x
