"""Convolutions that keep the length. Shapes are (N, C, L)."""

from typing import Unpack

import torch
from torch import Tensor, nn

from grelu_models.layers.types import ConvOptions, Wrapper

__all__ = ["ChannelTransform", "PointwiseConv", "make_conv"]


class PointwiseConv(nn.Conv1d):
    """Convolution of width 1, computed as a matrix product, which is faster on most devices."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight[:, :, 0].expand(len(x), -1, -1)
        if self.bias is None:
            return torch.bmm(weight, x)
        return torch.baddbmm(self.bias[:, None], weight, x)


def make_conv(
    in_channels: int, out_channels: int, kernel_size: int, **kwargs: Unpack[ConvOptions]
) -> nn.Conv1d:
    """Convolution with "same" padding: (N, in_channels, L) -> (N, out_channels, L).

    Parameters
    ----------
    in_channels, out_channels, kernel_size : int
    **kwargs
        Further arguments of `nn.Conv1d`.
    """
    if kernel_size == 1 and not kwargs.keys() & {"groups", "stride"}:
        return PointwiseConv(in_channels, out_channels, 1, **kwargs)
    return nn.Conv1d(in_channels, out_channels, kernel_size, padding="same", **kwargs)


class ChannelTransform(Wrapper):
    """Convolution of width 1 that changes the number of channels; otherwise the identity.

    Parameters
    ----------
    in_channels : int
        Channels before.
    out_channels : int
        Channels after. Default is 1.
    if_equal : bool
        Whether to convolve even if both numbers are equal. Default is False: the identity, which
        has no weights.
    **kwargs
        See `make_conv`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 1,
        if_equal: bool = False,
        **kwargs: Unpack[ConvOptions],
    ) -> None:
        super().__init__()
        if in_channels == out_channels and not if_equal:
            self.layer = nn.Identity()
        else:
            self.layer = make_conv(in_channels, out_channels, 1, **kwargs)
