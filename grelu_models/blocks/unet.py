"""U-net blocks: upsampling to a higher resolution. Shapes are (N, C, L)."""

from typing import Unpack

import torch
from torch import Tensor, nn

from grelu_models.blocks.conv import ChannelTransformBlock, ConvBlock, SeparableConv
from grelu_models.blocks.options import BlockOptions, NormChoice
from grelu_models.layers.types import Device, Factory, NormOptions

__all__ = ["UnetBlock", "UnetTower"]


class UnetBlock(nn.Module):
    """Block that doubles the resolution: (N, C, L) and a skip (N, C', 2 L) -> (N, C, 2 L).

    1. A pre-activated 1x1 convolution of the input, whose positions are then repeated twice.
    2. A pre-activated 1x1 convolution of the skip to C channels, which is added.
    3. A separable convolution of width 3.

    Parameters
    ----------
    in_channels, y_in_channels : int
        Channels C of the input, and C' of the skip.
    norm_type, norm_kwargs
        See `ConvBlock`.
    act_func : str or None
        See `Activation`. Default is "gelu_borzoi".

    Notes
    -----
    Ronneberger et al. 2015, 10.1007/978-3-319-24574-4_28, as used by Borzoi.
    """

    def __init__(
        self,
        in_channels: int,
        y_in_channels: int,
        norm_type: str = "batch",
        norm_kwargs: NormOptions | None = None,
        act_func: str | None = "gelu_borzoi",
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        options: BlockOptions = {
            "norm_type": norm_type,
            "norm_kwargs": norm_kwargs,
            "act_func": act_func,
            **factory,
        }
        self.conv = ConvBlock(in_channels, in_channels, 1, order="NACDR", **options)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.channel_transform = ChannelTransformBlock(
            y_in_channels, in_channels, norm=True, order="NACD", if_equal=True, **options
        )
        self.sconv = SeparableConv(in_channels, 3, **factory)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.sconv(self.upsample(self.conv(x)) + self.channel_transform(y))


class UnetTower(nn.Module):
    """U-net blocks in sequence: (N, C, L) and their skips -> (N, C, L * 2 ** blocks).

    Parameters
    ----------
    in_channels : int
        Channels C.
    y_in_channels : list of int
        Channels of the skips, from low to high resolution. One block is built for each.
    n_blocks : int
        No effect, as in gReLU 1.1.0.
    act_func, **kwargs
        See `UnetBlock`.
    """

    def __init__(
        self,
        in_channels: int,
        y_in_channels: list[int],
        n_blocks: int,
        act_func: str | None = "gelu_borzoi",
        **kwargs: Unpack[NormChoice],
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            UnetBlock(in_channels, channels, act_func=act_func, **kwargs)
            for channels in y_in_channels
        )

    def forward(self, x: Tensor, ys: list[Tensor]) -> Tensor:
        for block, y in zip(self.blocks, ys, strict=True):
            x = block(x, y)
        return x
