"""Linear blocks and transformers. Unless a class says otherwise, shapes are (N, L, C)."""

from einops import rearrange
from torch import Tensor, nn

from grelu_models.layers import Activation, Attention, Dropout, FlashAttention, Norm
from grelu_models.layers.rotary import GroupedAttention

__all__ = ["FeedForwardBlock", "LinearBlock", "TransformerBlock", "TransformerTower"]


class LinearBlock(nn.Module):
    """Norm of the input, linear layer on the last axis, dropout and activation.

    Parameters
    ----------
    in_len, out_len : int
        Size of the last axis before and after.
    act_func : str or None
    dropout : float
    norm : bool
        Whether to apply a layer norm, to the **input**.
    norm_kwargs : dict, optional
    bias : bool
        Of the linear layer.
    """

    def __init__(
        self,
        in_len: int,
        out_len: int,
        act_func: str | None = "relu",
        dropout: float = 0.0,
        norm: bool = False,
        norm_kwargs: dict | None = None,
        bias: bool = True,
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        self.norm = Norm("layer", in_len, **(norm_kwargs or {}), **factory) if norm else Norm(None)
        self.linear = nn.Linear(in_len, out_len, bias=bias, **factory)
        self.dropout = Dropout(dropout)
        self.act = Activation(act_func)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.dropout(self.linear(self.norm(x))))


class FeedForwardBlock(nn.Module):
    """Two linear blocks, of width 2 C and C; the first norms its input.

    Parameters
    ----------
    in_len : int
        Channels C.
    dropout : float
        After both layers.
    act_func : str or None
        Between them.
    norm_kwargs : dict, optional
    **kwargs
        `dtype` and `device`.
    """

    def __init__(
        self,
        in_len: int,
        dropout: float = 0.0,
        act_func: str | None = "relu",
        norm_kwargs: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__()
        self.dense1 = LinearBlock(
            in_len,
            in_len * 2,
            act_func=act_func,
            dropout=dropout,
            norm=True,
            norm_kwargs=norm_kwargs,
            **kwargs,
        )
        self.dense2 = LinearBlock(in_len * 2, in_len, act_func=None, dropout=dropout, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense2(self.dense1(x))


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each on the normed input and added to it.

    Parameters
    ----------
    in_len : int
        Channels C.
    n_heads : int
    attn_dropout, ff_dropout : float
        On attention weights; after attention and in the feed-forward block.
    flash_attn : bool or "flashzoi"
        False: relative positions (`Attention`). True: rotary ones, on whole heads, as gReLU
        (`FlashAttention`). "flashzoi": those of Flashzoi (`GroupedAttention`). Without relative
        positions, the next four arguments have no effect.
    n_pos_features, key_len, value_len, pos_dropout
        See `Attention`.
    norm_kwargs : dict, optional
        Of both layer norms.
    position_length : int, optional
        See `Attention`.
    """

    def __init__(
        self,
        in_len: int,
        n_heads: int,
        attn_dropout: float,
        ff_dropout: float,
        flash_attn: bool | str,
        n_pos_features: int | None = None,
        key_len: int | None = None,
        value_len: int | None = None,
        pos_dropout: float | None = None,
        norm_kwargs: dict | None = None,
        dtype=None,
        device=None,
        position_length: int | None = None,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        self.norm = Norm("layer", in_len, **(norm_kwargs or {}), **factory)
        if flash_attn == "flashzoi":
            self.mha = GroupedAttention(in_len, n_heads, dropout_p=attn_dropout, **factory)
        elif flash_attn:
            self.mha = FlashAttention(in_len, n_heads, dropout_p=attn_dropout, **factory)
        else:
            self.mha = Attention(
                in_len,
                key_len,
                value_len,
                n_heads,
                n_pos_features,
                pos_dropout=pos_dropout or 0,
                attn_dropout=attn_dropout,
                position_length=position_length,
                **factory,
            )
        self.dropout = Dropout(ff_dropout)
        self.ffn = FeedForwardBlock(in_len, dropout=ff_dropout, norm_kwargs=norm_kwargs, **factory)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.mha(self.norm(x)))
        return x + self.ffn(x)


class TransformerTower(nn.Module):
    """Transformer blocks one after the other: (N, C, L) -> (N, C, L).

    Parameters
    ----------
    in_channels : int
        Channels C.
    n_blocks : int
    n_heads, n_pos_features, key_len, value_len, pos_dropout, attn_dropout, ff_dropout, \
norm_kwargs, flash_attn, position_length
        See `TransformerBlock`.
    """

    def __init__(
        self,
        in_channels: int,
        n_blocks: int = 1,
        n_heads: int = 1,
        n_pos_features: int = 32,
        key_len: int = 64,
        value_len: int = 64,
        pos_dropout: float = 0.0,
        attn_dropout: float = 0.0,
        ff_dropout: float = 0.0,
        norm_kwargs: dict | None = None,
        flash_attn: bool | str = False,
        dtype=None,
        device=None,
        position_length: int | None = None,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            TransformerBlock(
                in_channels,
                n_heads,
                attn_dropout,
                ff_dropout,
                flash_attn,
                n_pos_features=n_pos_features,
                key_len=key_len,
                value_len=value_len,
                pos_dropout=pos_dropout,
                norm_kwargs=norm_kwargs,
                dtype=dtype,
                device=device,
                position_length=position_length,
            )
            for _ in range(n_blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = rearrange(x, "n c l -> n l c")
        for block in self.blocks:
            x = block(x)
        return rearrange(x, "n l c -> n c l").contiguous()
