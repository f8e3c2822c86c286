"""Trunk of convolutions and recurrent units."""

import torch
from torch import Tensor

from grelu_models.blocks import ConvTower, GRUBlock
from grelu_models.layers.types import CropLength, Device, Factory, Layer

__all__ = ["ConvGRUTrunk"]


class ConvGRUTrunk(Layer):
    """Convolutions, then bidirectional recurrent units: (N, 4, L) -> (N, C, positions).

    1. A tower of convolutions (`ConvTower`), cropped.
    2. Gated recurrent units over its positions (`GRUBlock`).

    Parameters
    ----------
    stem_channels, stem_kernel_size : int
        Channels of the stem, and width of its convolution in base pairs. Defaults are 16 and 15.
    n_conv : int
        Convolutions **including the stem**. Default is 2.
    channel_init, channel_mult, kernel_size, act_func, pool_func, pool_size, residual, crop_len
        See `ConvTower`. The recurrent units use `act_func`, too.
    conv_norm : bool
        Whether the convolutions have a batch norm. Default is False.
    n_gru : int
        Recurrent layers. Default is 1.
    dropout
        See `GRUBlock`.
    gru_norm : bool
        No effect, as in gReLU 1.1.0; see `norm` of `GRUBlock`. Default is False.
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
        conv_norm: bool = False,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = False,
        crop_len: CropLength = 0,
        n_gru: int = 1,
        dropout: float = 0.0,
        gru_norm: bool = False,
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
            norm=conv_norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            crop_len=crop_len,
            **factory,
        )
        self.gru_tower = GRUBlock(
            self.conv_tower.out_channels,
            n_layers=n_gru,
            dropout=dropout,
            act_func=act_func,
            norm=gru_norm,
            **factory,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.gru_tower(self.conv_tower(x))
