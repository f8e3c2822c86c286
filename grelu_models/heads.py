"""Heads: from an embedding (N, C, positions) to one channel per task.

Class names, constructor arguments and state-dict keys are those of gReLU.
"""

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn

from grelu_models.blocks import ChannelTransformBlock, LinearBlock
from grelu_models.layers import AdaptivePool
from grelu_models.layers.types import Device, Factory, Layer, NormOptions

__all__ = ["ConvHead", "MLPHead"]


class ConvHead(Layer):
    """Convolution of width 1 and optional pooling: (N, C, L) -> (N, n_tasks, L or 1).

    Parameters
    ----------
    n_tasks, in_channels : int
        Channels of the output, and C.
    act_func : str or None
        Activation after the convolution, see `Activation`. Default is None.
    pool_func : str or None
        "avg" or "max" pools all positions into one. Default is None: all positions are kept.
    norm : bool
        Whether there is a batch norm between convolution and activation. Default is False.
    norm_kwargs
        See `ConvBlock`.

    Examples
    --------
    >>> import torch
    >>> embedding = torch.zeros(1, 8, 20)
    >>> ConvHead(n_tasks=3, in_channels=8)(embedding).shape
    torch.Size([1, 3, 20])
    >>> ConvHead(n_tasks=3, in_channels=8, pool_func="avg")(embedding).shape
    torch.Size([1, 3, 1])
    """

    def __init__(
        self,
        n_tasks: int,
        in_channels: int,
        act_func: str | None = None,
        pool_func: str | None = None,
        norm: bool = False,
        norm_kwargs: NormOptions | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        self.n_tasks, self.in_channels = n_tasks, in_channels
        self.channel_transform = ChannelTransformBlock(
            in_channels,
            n_tasks,
            norm=norm,
            act_func=act_func,
            norm_kwargs=norm_kwargs,
            dtype=dtype,
            device=device,
        )
        self.pool = AdaptivePool(pool_func)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.channel_transform(x))


class MLPHead(Layer):
    """Linear layers over all channels and positions: (N, C, L) -> (N, n_tasks, 1).

    Parameters
    ----------
    n_tasks, in_channels, in_len : int
        Channels of the output, C and L.
    act_func : str or None
        Activation after each hidden layer, see `Activation`. Default is None.
    hidden_size : sequence of int
        Widths of the hidden layers. Default is (): no hidden layer.
    norm : bool
        Whether there is a layer norm before each layer, including the last. Default is False.
    dropout : float
        Dropout after each layer, including the last. Default is 0.0.

    Examples
    --------
    >>> import torch
    >>> MLPHead(n_tasks=3, in_channels=8, in_len=20, hidden_size=[16])(torch.zeros(1, 8, 20)).shape
    torch.Size([1, 3, 1])
    """

    def __init__(
        self,
        n_tasks: int,
        in_channels: int,
        in_len: int,
        act_func: str | None = None,
        hidden_size: Sequence[int] = (),
        norm: bool = False,
        dropout: float = 0.0,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        self.n_tasks, self.in_channels, self.in_len = n_tasks, in_channels, in_len
        widths = [in_channels * in_len, *hidden_size, n_tasks]
        functions = [act_func] * len(hidden_size) + [None]
        factory: Factory = {"dtype": dtype, "device": device}
        self.blocks = nn.ModuleList(
            LinearBlock(before, after, act_func=function, dropout=dropout, norm=norm, **factory)
            for before, after, function in zip(widths, widths[1:], functions, strict=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = rearrange(x, "n c l -> n 1 (c l)")
        for block in self.blocks:
            x = block(x)
        return rearrange(x, "n 1 t -> n t 1")
