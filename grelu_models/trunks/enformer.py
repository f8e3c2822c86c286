"""Enformer's trunk: convolutions with attention pooling to 128 bp, then transformers.

Avsec et al. 2021, 10.1038/s41592-021-01252-x.
"""

from functools import partial

import torch
from einops import rearrange
from torch import Tensor, nn

from grelu_models.blocks import ConvBlock, FeedForwardBlock
from grelu_models.layers import Activation, Crop, Dropout, Norm, make_conv
from grelu_models.layers.attention import EnformerAttention
from grelu_models.layers.streaming import stream
from grelu_models.layers.types import Device, Factory, Layer
from grelu_models.trunks.growth import grow_channels

__all__ = [
    "EnformerConvTower",
    "EnformerTransformerBlock",
    "EnformerTransformerTower",
    "EnformerTrunk",
]

make_block = partial(ConvBlock, act_func="gelu_enformer", order="NACDR")
"""Build a pre-activated convolution block."""


class EnformerConvTower(Layer):
    """Convolutions with attention pooling: (N, 4, L) -> (N, C, L / 2 ** n_blocks).

    1. The stem: a convolution of width 15 to C / 2 channels.
    2. `n_blocks` - 1 pre-activated convolutions of width 5, whose channels grow to C.

    Each is followed by a pre-activated 1x1 convolution with a residual connection, and by attention
    pooling of pairs.

    Parameters
    ----------
    n_blocks : int
        Blocks **including the stem**; not 2.
    out_channels : int
        Channels C. Those of the blocks before are multiples of 128.
    """

    def __init__(
        self,
        n_blocks: int,
        out_channels: int,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        before = out_channels // 2
        stem = make_conv(4, before, 15, **factory)
        self.blocks = nn.ModuleList([nn.Sequential(stem, _make_pool(before, factory))])
        for channels in grow_channels(before, out_channels, blocks=n_blocks - 1, divisible_by=128):
            conv = make_block(before, channels, 5, **factory)
            self.blocks.append(nn.Sequential(conv, _make_pool(channels, factory)))
            before = channels

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = stream(block, x)
        return x


def _make_pool(channels: int, factory: Factory) -> ConvBlock:
    """Residual 1x1 convolution that pools pairs by attention."""
    return make_block(
        channels, channels, 1, residual=True, pool_func="attn", pool_size=2, **factory
    )


class EnformerTransformerBlock(Layer):
    """Transformer block with Enformer's attention: (N, L, C) -> (N, L, C).

    1. Layer norm, `EnformerAttention` and dropout; the result is added to the input.
    2. Feed-forward block, which normalises its input; the result is added, too.

    Parameters
    ----------
    in_len : int
        Channels C. A head has C / n_heads channels of values, and as many positional features.
    n_heads : int
        Heads. C / n_heads must be a multiple of 6.
    key_len : int
        Channels of a head's queries and keys.
    attn_dropout, pos_dropout : float
        Dropout of attention weights and of positional features.
    ff_dropout : float
        Dropout after attention and in the feed-forward block.
    use_tf_gamma
        See `EnformerAttention`.
    """

    def __init__(
        self,
        in_len: int,
        n_heads: int,
        key_len: int,
        attn_dropout: float,
        pos_dropout: float,
        ff_dropout: float,
        dtype: torch.dtype | None = None,
        device: Device = None,
        use_tf_gamma: bool = False,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.norm = Norm("layer", in_len, **factory)
        self.mha = EnformerAttention(
            in_len,
            heads=n_heads,
            dim_key=key_len,
            dim_value=in_len // n_heads,
            num_rel_pos_features=in_len // n_heads,
            dropout=attn_dropout,
            pos_dropout=pos_dropout,
            use_tf_gamma=use_tf_gamma,
            **factory,
        )
        self.dropout = Dropout(ff_dropout)
        self.ffn = FeedForwardBlock(in_len, dropout=ff_dropout, **factory)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.mha(self.norm(x)))
        return x + self.ffn(x)


class EnformerTransformerTower(Layer):
    """Enformer's transformer blocks in sequence: (N, C, L) -> (N, C, L).

    Parameters
    ----------
    in_channels, n_blocks : int
        Channels C, and number of blocks.
    n_heads, key_len, attn_dropout, pos_dropout, ff_dropout, use_tf_gamma
        See `EnformerTransformerBlock`.
    """

    def __init__(
        self,
        in_channels: int,
        n_blocks: int,
        n_heads: int,
        key_len: int,
        attn_dropout: float,
        pos_dropout: float,
        ff_dropout: float,
        dtype: torch.dtype | None = None,
        device: Device = None,
        use_tf_gamma: bool = False,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            EnformerTransformerBlock(
                in_channels,
                n_heads,
                key_len,
                attn_dropout,
                pos_dropout,
                ff_dropout,
                dtype=dtype,
                device=device,
                use_tf_gamma=use_tf_gamma,
            )
            for _ in range(n_blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = rearrange(x, "n c l -> n l c")
        for block in self.blocks:
            x = block(x)
        return rearrange(x, "n l c -> n c l").contiguous()


class EnformerTrunk(Layer):
    """Enformer's trunk: (N, 4, L) -> (N, 2 C, L / 2 ** n_conv - 2 * crop_len).

    With the default sizes and L = 196,608 bp:

    1. `EnformerConvTower`: seven convolutions, each pooled by 2, to 1,536 channels at 1,536 bins
       of 128 bp.
    2. `EnformerTransformerTower`: 11 transformer blocks over these bins.
    3. A pre-activated 1x1 convolution to 3,072 channels, and an activation.
    4. Cropping of bins at both ends.

    Parameters
    ----------
    n_conv : int
        Convolutions **including the stem**; not 2. Default is 7.
    channels : int
        Channels C of the last convolution and of the transformers. Default is 1536.
    n_transformers : int
        Transformer blocks. Default is 11.
    n_heads, key_len : int
        Heads, and channels of a head's queries and keys. `channels` / `n_heads` must be a multiple
        of 6. Defaults are 8 and 64.
    attn_dropout, pos_dropout, ff_dropout : float
        Dropout of attention weights, of positional features, and after attention and in the
        feed-forward blocks. Defaults are 0.05, 0.01 and 0.4.
    crop_len : int
        Output bins to drop at each end. Default is 0.
    use_tf_gamma
        See `EnformerAttention`.
    """

    def __init__(
        self,
        n_conv: int = 7,
        channels: int = 1536,
        n_transformers: int = 11,
        n_heads: int = 8,
        key_len: int = 64,
        attn_dropout: float = 0.05,
        pos_dropout: float = 0.01,
        ff_dropout: float = 0.4,
        crop_len: int = 0,
        dtype: torch.dtype | None = None,
        device: Device = None,
        use_tf_gamma: bool = False,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.conv_tower = EnformerConvTower(n_conv, channels, **factory)
        self.transformer_tower = EnformerTransformerTower(
            channels,
            n_transformers,
            n_heads,
            key_len,
            attn_dropout,
            pos_dropout,
            ff_dropout,
            use_tf_gamma=use_tf_gamma,
            **factory,
        )
        dropout = ff_dropout // 8  # 0 for every probability, as in gReLU
        self.pointwise_conv = make_block(channels, channels * 2, 1, dropout=dropout, **factory)
        self.act = Activation("gelu_enformer")
        self.crop = Crop(crop_len)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_tower(x)
        x = self.transformer_tower(x)
        x = self.act(self.pointwise_conv(x))
        return self.crop(x)
