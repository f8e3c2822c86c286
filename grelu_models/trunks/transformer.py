"""Trunk of convolutions and transformers."""

import torch
from torch import Tensor

from grelu_models.blocks import ConvTower, TransformerTower
from grelu_models.layers.types import CropLength, Device, Factory, Layer

__all__ = ["ConvTransformerTrunk"]


class ConvTransformerTrunk(Layer):
    """Convolutions, then transformers: (N, 4, L) -> (N, C, positions).

    1. A tower of convolutions (`ConvTower`), cropped.
    2. Transformers over its positions (`TransformerTower`), with relative positions.

    Parameters
    ----------
    stem_channels, stem_kernel_size : int
        Channels of the stem, and width of its convolution in base pairs. Defaults are 16 and 15.
    n_conv : int
        Convolutions **including the stem**. Default is 2.
    channel_init, channel_mult, kernel_size, act_func, norm, pool_func, pool_size, residual, \
crop_len
        See `ConvTower`.
    n_transformers : int
        Transformer blocks. Default is 1.
    key_len, value_len, n_heads, n_pos_features : int
        Channels of a head's queries and keys, and of its values; heads; positional features.
        Defaults are 8, 8, 1 and 4.
    pos_dropout, attn_dropout, ff_dropout
        See `TransformerTower`.
    """

    def __init__(
        self,
        stem_channels: int = 16,
        stem_kernel_size: int = 15,
        n_conv: int = 2,
        channel_init: int = 16,
        channel_mult: float = 1,
        kernel_size: int = 5,
        act_func: str | None = "relu",
        norm: bool = False,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = False,
        crop_len: CropLength = 0,
        n_transformers: int = 1,
        key_len: int = 8,
        value_len: int = 8,
        n_heads: int = 1,
        n_pos_features: int = 4,
        pos_dropout: float = 0.0,
        attn_dropout: float = 0.0,
        ff_dropout: float = 0.0,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.conv_tower = ConvTower(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_blocks=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            act_func=act_func,
            norm=norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            crop_len=crop_len,
            **factory,
        )
        self.transformer_tower = TransformerTower(
            self.conv_tower.out_channels,
            n_blocks=n_transformers,
            n_heads=n_heads,
            n_pos_features=n_pos_features,
            key_len=key_len,
            value_len=value_len,
            pos_dropout=pos_dropout,
            attn_dropout=attn_dropout,
            ff_dropout=ff_dropout,
            **factory,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.transformer_tower(self.conv_tower(x))
