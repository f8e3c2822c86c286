"""Models of convolutions with a pointwise or a dense head."""

from collections.abc import Sequence

import torch

from grelu_models.heads import ConvHead, MLPHead
from grelu_models.layers.types import CropLength, Device, Factory
from grelu_models.models.base import BaseModel
from grelu_models.trunks import ConvTrunk

__all__ = ["ConvMLPModel", "ConvModel"]


class ConvModel(BaseModel):
    """Convolutions with optional pooling, dilation and residual connections.

    (N, 4, L) -> (N, n_tasks, bins), or (N, n_tasks, 1) with final pooling.

    1. The stem: a convolution with activation, without pooling.
    2. `n_conv` - 1 convolution blocks. Each pools by `pool_size` if `pool_func` is set, so that a
       bin has pool_size ** (n_conv - 1) base pairs.
    3. Cropping of bins at both ends.
    4. The head: a 1x1 convolution to the tasks, and final pooling over all bins.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    stem_channels, stem_kernel_size, n_conv, channel_init, channel_mult, kernel_size, \
dilation_init, dilation_mult, act_func, norm, pool_func, pool_size, residual, dropout, crop_len
        See `ConvTrunk`.
    final_pool_func : str or None
        "avg" or "max": one value per window. None: one value per bin. Default is "avg".

    Examples
    --------
    A model with bins of 16 bp, two of which are dropped at each end:

    >>> import torch
    >>> model = ConvModel(
    ...     n_tasks=2, n_conv=3, pool_func="max", pool_size=4, crop_len=2, final_pool_func=None
    ... )
    >>> model(torch.zeros(1, 4, 256)).shape
    torch.Size([1, 2, 12])
    """

    def __init__(
        self,
        n_tasks: int,
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
        final_pool_func: str | None = "avg",
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        factory: Factory = {"dtype": dtype, "device": device}
        trunk = ConvTrunk(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_conv=n_conv,
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
            **factory,
        )
        channels = trunk.conv_tower.out_channels
        super().__init__(trunk, ConvHead(n_tasks, channels, pool_func=final_pool_func, **factory))


class ConvMLPModel(BaseModel):
    """Convolutions and a dense head: (N, 4, seq_len) -> (N, n_tasks, 1), one value per window.

    1. The stem: a convolution with activation, without pooling.
    2. `n_conv` - 1 convolution blocks. Each pools by `pool_size` if `pool_func` is set.
    3. The head: dense layers over all channels and positions, which fixes the window length.

    Parameters
    ----------
    seq_len : int
        Base pairs of a window.
    n_tasks : int
        Output tracks.
    stem_channels, stem_kernel_size : int
        Channels of the stem, and width of its convolution in base pairs. Defaults are 16 and 15.
    n_conv : int
        Convolutions **including the stem**. Default is 2.
    channel_init : int
        Channels of the first convolution after the stem. Default is 16.
    channel_mult, kernel_size, act_func, pool_func, pool_size
        See `ConvTrunk`.
    conv_norm : bool
        Whether the convolutions have a batch norm. Default is False.
    residual : bool
        Whether the convolutions have residual connections. Default is True.
    mlp_norm : bool
        Whether there is a layer norm before each dense layer. Default is False.
    mlp_act_func : str or None
        Activation after each hidden layer. Default is "relu".
    mlp_hidden_size : sequence of int
        Widths of the hidden layers. Default is (8,).
    dropout : float
        Dropout after each dense layer. Default is 0.0.

    Examples
    --------
    >>> import torch
    >>> model = ConvMLPModel(seq_len=200, n_tasks=2, pool_func="avg", pool_size=4)
    >>> model(torch.zeros(1, 4, 200)).shape
    torch.Size([1, 2, 1])
    """

    def __init__(
        self,
        seq_len: int,
        n_tasks: int,
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
        residual: bool = True,
        mlp_norm: bool = False,
        mlp_act_func: str | None = "relu",
        mlp_hidden_size: Sequence[int] = (8,),
        dropout: float = 0.0,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        factory: Factory = {"dtype": dtype, "device": device}
        trunk = ConvTrunk(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_conv=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            act_func=act_func,
            norm=conv_norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            **factory,
        )
        head = MLPHead(
            n_tasks,
            in_channels=trunk.conv_tower.out_channels,
            in_len=seq_len // trunk.conv_tower.pool_factor,
            act_func=mlp_act_func,
            hidden_size=mlp_hidden_size,
            norm=mlp_norm,
            dropout=dropout,
            **factory,
        )
        super().__init__(trunk, head)
