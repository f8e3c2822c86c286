"""Trunk of convolutions."""

from typing import Unpack

from torch import Tensor

from grelu_models.blocks import ConvTower
from grelu_models.blocks.options import TowerOptions
from grelu_models.layers.types import CropLength, Layer

__all__ = ["ConvTrunk"]


class ConvTrunk(Layer):
    """Convolutions with optional pooling, dilation and residual connections.

    (N, 4, L) -> (N, C, positions): see `ConvTower`, which it wraps under gReLU's names.

    Parameters
    ----------
    stem_channels, stem_kernel_size : int
        Channels of the stem, and width of its convolution in base pairs. Defaults are 64 and 15.
    n_conv : int
        Convolutions **including the stem**. Default is 2.
    channel_init : int
        Channels of the first convolution after the stem. Default is 64.
    channel_mult, kernel_size, dilation_init, dilation_mult, act_func, norm, pool_func, pool_size, \
residual, dropout, crop_len
        See `ConvTower`.
    **kwargs
        Further arguments of `ConvTower`.
    """

    def __init__(
        self,
        stem_channels: int = 64,
        stem_kernel_size: int = 15,
        n_conv: int = 2,
        channel_init: int = 64,
        channel_mult: float = 1,
        kernel_size: int = 5,
        dilation_init: int = 1,
        dilation_mult: float = 1,
        act_func: str | None = "relu",
        norm: bool = False,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = False,
        dropout: float = 0.0,
        crop_len: CropLength = 0,
        **kwargs: Unpack[TowerOptions],
    ) -> None:
        super().__init__()
        self.conv_tower = ConvTower(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_blocks=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            dilation_init=dilation_init,
            dilation_mult=dilation_mult,
            act_func=act_func,
            norm=norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            dropout=dropout,
            crop_len=crop_len,
            **kwargs,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_tower(x)
