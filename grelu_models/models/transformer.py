"""Model of convolutions and transformers."""

import torch

from grelu_models.heads import ConvHead
from grelu_models.layers.types import CropLength, Device, Factory
from grelu_models.models.base import BaseModel
from grelu_models.trunks import ConvTransformerTrunk

__all__ = ["ConvTransformerModel"]


class ConvTransformerModel(BaseModel):
    """Convolutions and transformers with relative positions.

    (N, 4, L) -> (N, n_tasks, bins), or (N, n_tasks, 1) with final pooling.

    1. The stem and `n_conv` - 1 convolution blocks, as in `ConvModel`, cropped.
    2. `n_transformers` transformer blocks over the bins, with Borzoi's attention.
    3. The head: a 1x1 convolution to the tasks, and final pooling over all bins.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    stem_channels, stem_kernel_size, n_conv, channel_init, channel_mult, kernel_size, act_func, \
norm, pool_func, pool_size, residual, crop_len, n_transformers, key_len, value_len, n_heads, \
n_pos_features, pos_dropout, attn_dropout, ff_dropout
        See `ConvTransformerTrunk`.
    final_pool_func : str or None
        "avg" or "max": one value per window. None: one value per bin. Default is "avg".

    Examples
    --------
    >>> import torch
    >>> model = ConvTransformerModel(n_tasks=2, pool_func="max", pool_size=4, final_pool_func=None)
    >>> model(torch.zeros(1, 4, 100)).shape
    torch.Size([1, 2, 25])
    """

    def __init__(
        self,
        n_tasks: int,
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
        final_pool_func: str | None = "avg",
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        factory: Factory = {"dtype": dtype, "device": device}
        trunk = ConvTransformerTrunk(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_conv=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            act_func=act_func,
            norm=norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            crop_len=crop_len,
            n_transformers=n_transformers,
            key_len=key_len,
            value_len=value_len,
            n_heads=n_heads,
            n_pos_features=n_pos_features,
            pos_dropout=pos_dropout,
            attn_dropout=attn_dropout,
            ff_dropout=ff_dropout,
            **factory,
        )
        channels = trunk.conv_tower.out_channels
        super().__init__(trunk, ConvHead(n_tasks, channels, pool_func=final_pool_func, **factory))
