"""Borzoi's trunk: convolutions to 128 bp, transformers, and a U-net back to 32 bp.

Linder et al. 2025, 10.1038/s41588-024-02053-6.
"""

from torch import Tensor, nn

from grelu_models.blocks import ConvBlock, Stem, TransformerTower, UnetTower
from grelu_models.errors import ModelError
from grelu_models.layers import Activation, Crop
from grelu_models.layers.streaming import stream
from grelu_models.trunks.steps import grow_channels

__all__ = ["BorzoiConvTower", "BorzoiTrunk"]


class BorzoiConvTower(nn.Module):
    """A stem and pre-activated convolutions, each pooled by 2.

    Parameters
    ----------
    stem_channels, stem_kernel_size : int
    init_channels, out_channels : int
        Channels of the first block after the stem, and of the last; multiples of 32 between.
    kernel_size : int
    n_blocks : int
        Blocks including the stem, at least 4 (the last two feed the U-net).
    norm_type, norm_kwargs, act_func
        As for `ConvBlock`.

    Attributes
    ----------
    filters : list of int
        Channels after each block.
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
        norm_kwargs: dict | None = None,
        act_func: str | None = "gelu_borzoi",
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        if n_blocks < 3:
            raise ModelError(
                f"n_conv must be at least 3, for the U-net's two skips, not {n_blocks}"
            )
        factory = {"dtype": dtype, "device": device}
        pool = {"pool_func": "max", "pool_size": 2}
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
        """(N, 4, L) -> pooled (N, C, L / 128), and the last two blocks' outputs before pooling.

        The skips are (N, C, L / 64) and (N, C', L / 32), for 7 blocks.
        """
        *first, before_last, last = self.blocks
        for block in first:
            x = stream(block, x)
        x, wide = before_last(x)
        x, narrow = last(x)
        return x, narrow, wide


class BorzoiTrunk(nn.Module):
    """One-hot bases (N, 4, L) -> (N, 1.25 C, L / 32 - 2 * crop_len) for 7 convolutions.

    Parameters
    ----------
    stem_channels, stem_kernel_size, init_channels, n_conv, kernel_size, channels
        See `BorzoiConvTower`; `channels` (C) are those of its output and of the transformers.
    n_transformers, key_len, value_len, pos_dropout, attn_dropout, ff_dropout, n_heads, \
n_pos_features, flash_attn, position_length
        See `TransformerTower`.
    crop_len : int
        Output bins dropped at each end.
    norm_type, norm_kwargs, act_func
        As for `ConvBlock`.
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
        norm_kwargs: dict | None = None,
        act_func: str | None = "gelu_borzoi",
        dtype=None,
        device=None,
        position_length: int | None = None,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        norm = {"norm_type": norm_type, "norm_kwargs": norm_kwargs}
        self.conv_tower = BorzoiConvTower(
            stem_channels,
            stem_kernel_size,
            init_channels,
            channels,
            kernel_size,
            n_blocks=n_conv,
            act_func=act_func,
            **norm,
            **factory,
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
        self.unet_tower = UnetTower(
            channels, skips, n_blocks=2, act_func=act_func, **norm, **factory
        )
        self.pointwise_conv = ConvBlock(
            channels,
            round(channels * 1.25),
            1,
            dropout=0.1,
            order="NACDR",
            act_func=act_func,
            **norm,
            **factory,
        )
        self.act = Activation(act_func)
        self.crop = Crop(crop_len)

    def forward(self, x: Tensor) -> Tensor:
        x, narrow, wide = self.conv_tower(x)
        x = self.transformer_tower(x)
        x = self.unet_tower(x, [narrow, wide])
        x = self.act(self.pointwise_conv(x))
        return self.crop(x)
