"""Trunk of dilated convolutions, as in BPNet."""

from typing import Unpack

from torch import Tensor

from grelu_models.blocks import ConvTower
from grelu_models.blocks.options import TowerOptions
from grelu_models.layers.types import CropLength, Layer

__all__ = ["DilatedConvTrunk"]


class DilatedConvTrunk(Layer):
    """Residual convolutions of growing dilation: (N, 4, L) -> (N, channels, L - 2 * crop_len).

    The architecture of BPNet's trunk (Avsec et al. 2021, 10.1038/s41588-021-00782-6) and of
    ChromBPNet's. There is no pooling and no norm: every base pair keeps its position.

    1. The stem: a convolution with activation.
    2. `n_conv` - 1 convolutions. The input of each is added before the activation. The first has
       dilation 2, which then grows by `dilation_mult`: 2, 4, 8, ...
    3. Cropping of the positions that padding could affect.

    Parameters
    ----------
    channels : int
        Channels of every convolution. Default is 64.
    stem_kernel_size, kernel_size : int
        Width of the stem's and of the dilated convolutions. Defaults are 21 and 3.
    dilation_mult : float
        Growth of the dilation. Default is 2.
    act_func
        See `Activation`. Default is "relu".
    n_conv : int
        Convolutions **including the stem**. Default is 8.
    crop_len : int or "auto"
        Positions (base pairs) to drop at each end. Default is "auto": all those that padding could
        affect, 264 with the other defaults.
    **kwargs
        Further arguments of `ConvTower`.

    Examples
    --------
    >>> DilatedConvTrunk().conv_tower.crop.crop_len
    264
    """

    def __init__(
        self,
        channels: int = 64,
        stem_kernel_size: int = 21,
        kernel_size: int = 3,
        dilation_mult: float = 2,
        act_func: str | None = "relu",
        n_conv: int = 8,
        crop_len: CropLength = "auto",
        **kwargs: Unpack[TowerOptions],
    ) -> None:
        super().__init__()
        self.conv_tower = ConvTower(
            stem_channels=channels,
            stem_kernel_size=stem_kernel_size,
            n_blocks=n_conv,
            channel_init=channels,
            kernel_size=kernel_size,
            dilation_init=2,
            dilation_mult=dilation_mult,
            act_func=act_func,
            residual=True,
            crop_len=crop_len,
            **kwargs,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_tower(x)
