"""Model of dilated convolutions, as in BPNet."""

import torch

from grelu_models.heads import ConvHead
from grelu_models.layers.types import CropLength, Device, Factory
from grelu_models.models.base import BaseModel
from grelu_models.trunks import DilatedConvTrunk

__all__ = ["DilatedConvModel"]


class DilatedConvModel(BaseModel):
    """BPNet's trunk with a pointwise head, at base-pair resolution.

    (N, 4, L) -> (N, n_tasks, L - 2 * crop_len), or (N, n_tasks, 1) with final pooling.

    1. The stem: a convolution with activation.
    2. `n_conv` - 1 residual convolutions with dilations 2, 4, 8, ...
    3. Cropping of the positions that padding could affect.
    4. The head: a 1x1 convolution to the tasks, and final pooling over all positions.

    BPNet's own heads for profiles and counts are not part of it.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    channels, stem_kernel_size, kernel_size, dilation_mult, act_func, n_conv, crop_len
        See `DilatedConvTrunk`.
    final_pool_func : str or None
        "avg" or "max": one value per window. None: one value per base pair. Default is "avg".

    Notes
    -----
    Avsec et al. 2021, 10.1038/s41588-021-00782-6.

    Examples
    --------
    Padding could affect 10 + 2 + 4 + 8 = 24 base pairs at each end:

    >>> import torch
    >>> model = DilatedConvModel(n_tasks=1, channels=8, n_conv=4, final_pool_func=None)
    >>> model(torch.zeros(1, 4, 100)).shape
    torch.Size([1, 1, 52])
    """

    def __init__(
        self,
        n_tasks: int,
        channels: int = 64,
        stem_kernel_size: int = 21,
        kernel_size: int = 3,
        dilation_mult: float = 2,
        act_func: str | None = "relu",
        n_conv: int = 8,
        crop_len: CropLength = "auto",
        final_pool_func: str | None = "avg",
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        factory: Factory = {"dtype": dtype, "device": device}
        trunk = DilatedConvTrunk(
            channels=channels,
            stem_kernel_size=stem_kernel_size,
            kernel_size=kernel_size,
            dilation_mult=dilation_mult,
            act_func=act_func,
            n_conv=n_conv,
            crop_len=crop_len,
            **factory,
        )
        channels = trunk.conv_tower.out_channels
        super().__init__(trunk, ConvHead(n_tasks, channels, pool_func=final_pool_func, **factory))
