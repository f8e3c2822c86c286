"""Convolution blocks. Shapes are (N, C, L)."""

from typing import Unpack

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.layers import (
    Activation,
    ChannelTransform,
    Dropout,
    Norm,
    Pool,
    make_conv,
)
from grelu_models.layers.types import ConvExtras, Device, Factory, Layer, NormOptions

__all__ = ["ChannelTransformBlock", "ConvBlock", "SeparableConv", "Stem"]


class ConvBlock(nn.Module):
    """Convolution block: (N, in_channels, L) -> (N, out_channels, L // pool_size).

    Convolution, dropout, norm, addition of the input and activation run in the order given by
    `order`, and then pooling. "CDNRA" is the usual block; "NACDR" is the pre-activated block of
    Borzoi and Enformer.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels before and after.
    kernel_size : int
        Width of the convolution, which keeps the length ("same" padding).
    dilation : int
        Dilation of the convolution. Default is 1.
    act_func : str or None
        See `Activation`. Default is "relu".
    pool_func, pool_size
        See `Pool`. Default is None: no pooling.
    dropout : float
        Probability. Default is 0.0.
    norm : bool
        Whether to normalise. Default is True.
    norm_type, norm_kwargs
        See `Norm`. Defaults are "batch" and None.
    residual : bool
        Whether to add the block's input at the R of `order`, through a 1x1 convolution if the
        channels change. Default is False.
    order : str
        The letters C (convolution), D (dropout), N (norm), R (residual) and A (activation), once
        each. Default is "CDNRA".
    bias : bool
        No effect, as in gReLU 1.1.0: the convolution always has a bias. Default is True.
    return_pre_pool : bool
        Whether to return the output before pooling as well, for the skip of a U-net: a tuple
        (pooled, before pooling). Default is False.
    **kwargs
        Further arguments of `nn.Conv1d`.

    Raises
    ------
    ModelError
        If `order` is not a permutation of the letters.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dilation: int = 1,
        act_func: str | None = "relu",
        pool_func: str | None = None,
        pool_size: int | None = None,
        dropout: float = 0.0,
        norm: bool = True,
        norm_type: str = "batch",
        norm_kwargs: NormOptions | None = None,
        residual: bool = False,
        order: str = "CDNRA",
        bias: bool = True,
        return_pre_pool: bool = False,
        dtype: torch.dtype | None = None,
        device: Device = None,
        **kwargs: Unpack[ConvExtras],
    ) -> None:
        super().__init__()
        _check_order(order, "CDNRA")
        self.order = order
        self.residual = residual
        self.return_pre_pool = return_pre_pool
        factory: Factory = {"dtype": dtype, "device": device}
        self.conv = make_conv(
            in_channels, out_channels, kernel_size, dilation=dilation, **factory, **kwargs
        )
        if norm:
            width = _find_norm_channels(order, in_channels, out_channels)
            self.norm = Norm(norm_type, width, **(norm_kwargs or {}), **factory)
        else:
            self.norm = Norm(None)
        if residual:
            self.channel_transform = ChannelTransform(in_channels, out_channels, **factory)
        self.act = Activation(act_func)
        self.pool = Pool(pool_func, pool_size=pool_size, in_channels=out_channels)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        steps = {"C": self.conv, "D": self.dropout, "N": self.norm, "A": self.act}
        skip = self.channel_transform(x) if self.residual else None
        for letter in self.order:
            if letter in steps:
                x = steps[letter](x)
            elif skip is not None:
                x = x + skip
        return (self.pool(x), x) if self.return_pre_pool else self.pool(x)


class ChannelTransformBlock(Layer):
    """Convolution of width 1 with dropout, norm and activation in the order given.

    (N, in_channels, L) -> (N, out_channels, L).

    Parameters
    ----------
    in_channels, out_channels : int
        Channels before and after.
    norm : bool
        Whether to normalise. Default is False.
    act_func, dropout, norm_type, norm_kwargs
        See `ConvBlock`.
    order : str
        The letters C, D, N and A of `ConvBlock`, once each. Default is "CDNA".
    if_equal : bool
        Whether to convolve even if the channels do not change. Default is False.

    Raises
    ------
    ModelError
        If `order` is not a permutation of the letters.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: bool = False,
        act_func: str | None = "relu",
        dropout: float = 0.0,
        order: str = "CDNA",
        norm_type: str = "batch",
        norm_kwargs: NormOptions | None = None,
        if_equal: bool = False,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        _check_order(order, "CDNA")
        self.order = order
        factory: Factory = {"dtype": dtype, "device": device}
        if norm:
            width = _find_norm_channels(order, in_channels, out_channels)
            self.norm = Norm(norm_type, width, **(norm_kwargs or {}), **factory)
        else:
            self.norm = Norm(None)
        self.conv = ChannelTransform(in_channels, out_channels, if_equal=if_equal, **factory)
        self.act = Activation(act_func)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        steps = {"C": self.conv, "D": self.dropout, "N": self.norm, "A": self.act}
        for letter in self.order:
            x = steps[letter](x)
        return x


def _check_order(order: str, letters: str) -> None:
    if sorted(order) != sorted(letters):
        raise ModelError(f"order must contain each of the letters {letters} once, not {order!r}")


def _find_norm_channels(order: str, in_channels: int, out_channels: int) -> int:
    """Channels at the norm, which depend on its place before or after the convolution."""
    return out_channels if order.index("N") > order.index("C") else in_channels


class Stem(Layer):
    """First convolution of a model: one-hot bases (N, 4, L) -> (N, out_channels, L // pool_size).

    Convolution, activation and pooling, without a norm.

    Parameters
    ----------
    out_channels, kernel_size : int
        Channels, and width of the convolution in base pairs.
    act_func
        See `Activation`. Default is "relu".
    pool_func, pool_size
        See `Pool`. Default is None: no pooling.
    """

    def __init__(
        self,
        out_channels: int,
        kernel_size: int,
        act_func: str | None = "relu",
        pool_func: str | None = None,
        pool_size: int | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        self.conv = make_conv(4, out_channels, kernel_size, dtype=dtype, device=device)
        self.act = Activation(act_func)
        self.pool = Pool(pool_func, pool_size=pool_size, in_channels=out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.act(self.conv(x)))


class SeparableConv(Layer):
    """Convolution of each channel separately, then a 1x1 convolution: (N, C, L) -> (N, C, L).

    It equals the SeparableConv1D of Keras (Chollet 2017, 10.1109/CVPR.2017.195).

    Parameters
    ----------
    in_channels, kernel_size : int
        Channels C, and width of the first convolution.
    """

    def __init__(
        self,
        in_channels: int,
        kernel_size: int,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.depthwise = make_conv(
            in_channels, in_channels, kernel_size, groups=in_channels, bias=False, **factory
        )
        self.pointwise = make_conv(in_channels, in_channels, 1, **factory)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pointwise(self.depthwise(x))
        return x
