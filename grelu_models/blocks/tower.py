"""Towers of convolution blocks. Shapes are (N, C, L)."""

import torch
from torch import Tensor, nn

from grelu_models.blocks.conv import ConvBlock, Stem
from grelu_models.layers import Crop
from grelu_models.layers.streaming import stream
from grelu_models.layers.types import CropLength, Device, Factory, Layer, NormOptions

__all__ = ["ConvTower"]


class ConvTower(Layer):
    """Stem and convolution blocks: one-hot bases (N, 4, L) -> (N, out_channels, positions).

    1. The stem: a convolution with activation, without pooling.
    2. `n_blocks` - 1 blocks (`ConvBlock`). Each may pool, and channels and dilation may grow from
       block to block.
    3. Cropping of `crop_len` positions at each end.

    Parameters
    ----------
    stem_channels, stem_kernel_size : int
        Channels of the stem, and width of its convolution in base pairs.
    n_blocks : int
        Blocks **including the stem**: 1 is the stem alone. Default is 2.
    channel_init : int
        Channels of the first block after the stem. Default is 16.
    channel_mult : float
        Factor by which the channels grow in each further block; the result is rounded down.
        Default is 1.
    kernel_size : int
        Width of the convolutions after the stem. Default is 5.
    dilation_init, dilation_mult : int, float
        Dilation of the first block after the stem, and its growth, as of the channels. Default
        is 1.
    act_func, pool_func, pool_size, residual, dropout, order
        See `ConvBlock`.
    norm : bool
        Whether the blocks normalise. Default is False.
    norm_kwargs
        See `ConvBlock`.
    crop_len : int or "auto"
        Output positions to drop at each end; see `Crop`. Default is 0.

    Attributes
    ----------
    out_channels : int
        Channels of the output.
    pool_factor : int
        Base pairs in an output position.
    receptive_field : int
        The receptive field as gReLU counts it, for "auto": the width of the stem, plus
        dilation * (kernel_size - 1) for each block, times the pool size after each pooled block.
    """

    def __init__(
        self,
        stem_channels: int,
        stem_kernel_size: int,
        n_blocks: int = 2,
        channel_init: int = 16,
        channel_mult: float = 1,
        kernel_size: int = 5,
        dilation_init: int = 1,
        dilation_mult: float = 1,
        act_func: str | None = "relu",
        norm: bool = False,
        norm_kwargs: NormOptions | None = None,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = False,
        dropout: float = 0.0,
        order: str = "CDNRA",
        crop_len: CropLength = 0,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.blocks = nn.ModuleList([Stem(stem_channels, stem_kernel_size, act_func, **factory)])
        self.out_channels = stem_channels
        self.pool_factor = 1
        self.receptive_field = stem_kernel_size
        channels, dilation = channel_init, dilation_init
        for _ in range(n_blocks - 1):
            block = ConvBlock(
                self.out_channels,
                channels,
                kernel_size,
                dilation=dilation,
                act_func=act_func,
                pool_func=pool_func,
                pool_size=pool_size,
                dropout=dropout,
                norm=norm,
                norm_kwargs=norm_kwargs,
                residual=residual,
                order=order,
                **factory,
            )
            self.blocks.append(block)
            self.out_channels = channels
            self.pool_factor *= block.pool.pool_size
            self.receptive_field += dilation * (kernel_size - 1)
            self.receptive_field *= block.pool.pool_size
            channels, dilation = int(channels * channel_mult), int(dilation * dilation_mult)
        self.crop = Crop(crop_len, receptive_field=self.receptive_field)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = stream(block, x)
        return self.crop(x)
