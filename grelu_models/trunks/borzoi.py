"""Borzoi's trunk: convolutions to 128 bp, transformers, and a U-net back to 32 bp.

Linder et al. 2025, 10.1038/s41588-024-02053-6.
"""

import torch
from torch import Tensor, nn

from grelu_models.blocks import ConvBlock, Stem, TransformerTower, UnetTower
from grelu_models.blocks.options import NormChoice, PoolChoice
from grelu_models.errors import ModelError
from grelu_models.layers import Activation, Crop
from grelu_models.layers.streaming import stream
from grelu_models.layers.types import Device, Factory, Layer, NormOptions
from grelu_models.trunks.growth import grow_channels

__all__ = ["BorzoiConvTower", "BorzoiTrunk"]


class BorzoiConvTower(nn.Module):
    """Convolutions, each with max pooling by 2, and the skips of the U-net.

    (N, 4, L) -> (N, C, L / 2 ** n_blocks), and the outputs of the last two blocks before pooling,
    the last one first: (N, C, L / 2 ** (n_blocks - 1)) and (N, C', L / 2 ** (n_blocks - 2)).

    1. The stem: a convolution with pooling, without norm and activation.
    2. `n_blocks` - 1 pre-activated convolutions with pooling.

    Parameters
    ----------
    stem_channels, stem_kernel_size : int
        Channels of the stem, and width of its convolution in base pairs.
    init_channels, out_channels : int
        Channels of the first block after the stem, and of the last (C). Those of the blocks
        between are multiples of 32.
    kernel_size : int
        Width of the convolutions after the stem.
    n_blocks : int
        Blocks **including the stem**, at least 3.
    norm_type, norm_kwargs
        See `ConvBlock`.
    act_func : str or None
        See `Activation`. Default is "gelu_borzoi".

    Attributes
    ----------
    filters : list of int
        Channels of each block.

    Raises
    ------
    ModelError
        For fewer than 3 blocks.
    """

    def __init__(
        self,
        stem_channels: int,
        stem_kernel_size: int,
        init_channels: int,
        out_channels: int,
        kernel_size: int,
        n_blocks: int,
        norm_type: str = "batch",
        norm_kwargs: NormOptions | None = None,
        act_func: str | None = "gelu_borzoi",
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        if n_blocks < 3:
            raise ModelError(
                f"n_conv must be at least 3, for the U-net's two skips, not {n_blocks}"
            )
        factory: Factory = {"dtype": dtype, "device": device}
        pool: PoolChoice = {"pool_func": "max", "pool_size": 2}
        stem = Stem(stem_channels, stem_kernel_size, act_func=None, **pool, **factory)
        self.blocks = nn.ModuleList([stem])
        grown = grow_channels(init_channels, out_channels, blocks=n_blocks - 1, divisible_by=32)
        self.filters = [stem_channels, *grown]
        for i in range(1, n_blocks):
            block = ConvBlock(
                self.filters[i - 1],
                self.filters[i],
                kernel_size,
                norm_type=norm_type,
                norm_kwargs=norm_kwargs,
                act_func=act_func,
                order="NACDR",
                return_pre_pool=i >= n_blocks - 2,
                **pool,
                **factory,
            )
            self.blocks.append(block)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        *first, before_last, last = self.blocks
        for block in first:
            x = stream(block, x)
        x, wide = before_last(x)
        x, narrow = last(x)
        return x, narrow, wide


class BorzoiTrunk(Layer):
    """Borzoi's trunk: (N, 4, L) -> (N, 1.25 C, L / 2 ** (n_conv - 2) - 2 * crop_len).

    With the published sizes and L = 524,288 bp:

    1. `BorzoiConvTower`: seven convolutions, each pooled by 2, to 1,536 channels at 4,096
       positions of 128 bp.
    2. `TransformerTower`: 8 transformer blocks over these positions.
    3. `UnetTower`: two blocks that double the resolution, to 16,384 bins of 32 bp. Their skips are
       the outputs of the last two convolutions before pooling.
    4. A pre-activated 1x1 convolution to 1,920 channels, and an activation.
    5. Cropping of bins at both ends.

    Parameters
    ----------
    stem_channels, stem_kernel_size, init_channels, kernel_size
        See `BorzoiConvTower`.
    n_conv : int
        Convolutions **including the stem**, at least 3.
    channels : int
        Channels C of the last convolution, of the transformers and of the U-net.
    n_transformers : int
        Transformer blocks.
    key_len, value_len : int
        Channels of a head's queries and keys, and of its values.
    pos_dropout, attn_dropout, ff_dropout : float
        Dropout of positional features, of attention weights, and after attention and in the
        feed-forward blocks.
    n_heads, n_pos_features : int
        Heads, and positional features.
    crop_len : int
        Output bins to drop at each end.
    flash_attn
        See `TransformerTower`.
    norm_type, norm_kwargs
        See `ConvBlock`.
    act_func : str or None
        See `Activation`. Default is "gelu_borzoi".
    position_length
        See `Attention`.
    """

    def __init__(
        self,
        stem_channels: int,
        stem_kernel_size: int,
        init_channels: int,
        n_conv: int,
        kernel_size: int,
        channels: int,
        n_transformers: int,
        key_len: int,
        value_len: int,
        pos_dropout: float,
        attn_dropout: float,
        ff_dropout: float,
        n_heads: int,
        n_pos_features: int,
        crop_len: int,
        flash_attn: bool | str = False,
        norm_type: str = "batch",
        norm_kwargs: NormOptions | None = None,
        act_func: str | None = "gelu_borzoi",
        dtype: torch.dtype | None = None,
        device: Device = None,
        position_length: int | None = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        norm: NormChoice = {"norm_type": norm_type, "norm_kwargs": norm_kwargs, **factory}
        self.conv_tower = BorzoiConvTower(
            stem_channels,
            stem_kernel_size,
            init_channels,
            channels,
            kernel_size,
            n_blocks=n_conv,
            act_func=act_func,
            **norm,
        )
        self.transformer_tower = TransformerTower(
            channels,
            n_blocks=n_transformers,
            n_heads=n_heads,
            n_pos_features=n_pos_features,
            key_len=key_len,
            value_len=value_len,
            pos_dropout=pos_dropout,
            attn_dropout=attn_dropout,
            ff_dropout=ff_dropout,
            norm_kwargs=norm_kwargs,
            flash_attn=flash_attn,
            position_length=position_length,
            **factory,
        )
        skips = [channels, self.conv_tower.filters[-2]]
        self.unet_tower = UnetTower(channels, skips, n_blocks=2, act_func=act_func, **norm)
        self.pointwise_conv = ConvBlock(
            channels,
            round(channels * 1.25),
            1,
            dropout=0.1,
            order="NACDR",
            act_func=act_func,
            **norm,
        )
        self.act = Activation(act_func)
        self.crop = Crop(crop_len)

    def forward(self, x: Tensor) -> Tensor:
        x, narrow, wide = self.conv_tower(x)
        x = self.transformer_tower(x)
        x = self.unet_tower(x, [narrow, wide])
        x = self.act(self.pointwise_conv(x))
        return self.crop(x)
