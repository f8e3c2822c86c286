"""Enformer's trunk: convolutions with attention pooling to 128 bp, then transformers.

Avsec et al. 2021, 10.1038/s41592-021-01252-x.
"""

from einops import rearrange
from torch import Tensor, nn

from grelu_models.blocks import ConvBlock, FeedForwardBlock
from grelu_models.layers import Activation, Crop, Dropout, Norm, make_conv
from grelu_models.layers.attention import EnformerAttention
from grelu_models.layers.streaming import stream
from grelu_models.trunks.steps import grow_channels

__all__ = [
    "EnformerConvTower",
    "EnformerTransformerBlock",
    "EnformerTransformerTower",
    "EnformerTrunk",
]

PRE_ACTIVATED = {"act_func": "gelu_enformer", "order": "NACDR"}


class EnformerConvTower(nn.Module):
    """Convolutions, each with a residual 1x1 block that pools pairs by attention.

    (N, 4, L) -> (N, C, L / 2 ** n_blocks).

    Parameters
    ----------
    n_blocks : int
        Blocks including the stem.
    out_channels : int
        Channels C; the stem has half as many, and multiples of 128 lie between.
    """

    def __init__(self, n_blocks: int, out_channels: int, dtype=None, device=None) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        half = out_channels // 2

        def pooled(channels: int) -> ConvBlock:
            attention = {"pool_func": "attn", "pool_size": 2}
            return ConvBlock(
                channels, channels, 1, residual=True, **attention, **PRE_ACTIVATED, **factory
            )

        self.blocks = nn.ModuleList(
            [nn.Sequential(make_conv(4, half, 15, **factory), pooled(half))]
        )
        before = half
        for channels in grow_channels(half, out_channels, blocks=n_blocks - 1, divisible_by=128):
            conv = ConvBlock(before, channels, 5, **PRE_ACTIVATED, **factory)
            self.blocks.append(nn.Sequential(conv, pooled(channels)))
            before = channels

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = stream(block, x)
        return x


class EnformerTransformerBlock(nn.Module):
    """Attention and feed-forward, each on the normed input and added to it: (N, L, C).

    Parameters
    ----------
    in_len : int
        Channels C; a head's values and positional features are C / n_heads of them.
    n_heads, key_len : int
    attn_dropout, pos_dropout, ff_dropout : float
    use_tf_gamma : bool
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
        dtype=None,
        device=None,
        use_tf_gamma: bool = False,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
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


class EnformerTransformerTower(nn.Module):
    """Transformer blocks one after the other: (N, C, L) -> (N, C, L).

    Parameters
    ----------
    in_channels, n_blocks : int
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
        dtype=None,
        device=None,
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


class EnformerTrunk(nn.Module):
    """One-hot bases (N, 4, L) -> (N, 2 C, L / 128 - 2 * crop_len) for 7 convolutions.

    Parameters
    ----------
    n_conv, channels
        Blocks including the stem, and channels C: see `EnformerConvTower`.
    n_transformers, n_heads, key_len, attn_dropout, pos_dropout, ff_dropout, use_tf_gamma
        See `EnformerTransformerTower`.
    crop_len : int
        Output bins dropped at each end.
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
        dtype=None,
        device=None,
        use_tf_gamma: bool = False,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
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
        self.pointwise_conv = ConvBlock(
            channels, channels * 2, 1, dropout=ff_dropout // 8, **PRE_ACTIVATED, **factory
        )
        self.act = Activation("gelu_enformer")
        self.crop = Crop(crop_len)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_tower(x)
        x = self.transformer_tower(x)
        x = self.act(self.pointwise_conv(x))
        return self.crop(x)
