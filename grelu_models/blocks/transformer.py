"""Linear blocks and transformers. Shapes are (N, L, C) unless a class states others."""

from typing import Unpack

import torch
from einops import rearrange
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.layers import Activation, Attention, Dropout, FlashAttention, Norm
from grelu_models.layers.rotary import GroupedAttention
from grelu_models.layers.types import Device, Factory, Layer, NormOptions

__all__ = ["FeedForwardBlock", "LinearBlock", "TransformerBlock", "TransformerTower"]


class LinearBlock(Layer):
    """Norm, linear layer, dropout and activation on the last axis: (..., in_len) -> (..., out_len).

    Parameters
    ----------
    in_len, out_len : int
        Size of the last axis before and after.
    act_func : str or None
        See `Activation`. Default is "relu".
    dropout : float
        Probability. Default is 0.0.
    norm : bool
        Whether to apply a layer norm to the **input**. Default is False.
    norm_kwargs : dict, optional
        Further arguments of the layer norm, such as `eps`. Default is None.
    bias : bool
        Whether the linear layer has a bias. Default is True.
    """

    def __init__(
        self,
        in_len: int,
        out_len: int,
        act_func: str | None = "relu",
        dropout: float = 0.0,
        norm: bool = False,
        norm_kwargs: NormOptions | None = None,
        bias: bool = True,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.norm = Norm("layer", in_len, **(norm_kwargs or {}), **factory) if norm else Norm(None)
        self.linear = nn.Linear(in_len, out_len, bias=bias, **factory)
        self.dropout = Dropout(dropout)
        self.act = Activation(act_func)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.dropout(self.linear(self.norm(x))))


class FeedForwardBlock(Layer):
    """Two linear blocks, from C channels to 2 C and back; the first normalises its input.

    Parameters
    ----------
    in_len : int
        Channels C.
    dropout : float
        Dropout after each layer. Default is 0.0.
    act_func : str or None
        Activation between the layers. Default is "relu".
    norm_kwargs
        See `LinearBlock`.
    **kwargs
        `dtype` and `device`.
    """

    def __init__(
        self,
        in_len: int,
        dropout: float = 0.0,
        act_func: str | None = "relu",
        norm_kwargs: NormOptions | None = None,
        **kwargs: Unpack[Factory],
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


class TransformerBlock(Layer):
    """Transformer block (Vaswani et al. 2017, 10.48550/arXiv.1706.03762): (N, L, C) -> (N, L, C).

    1. Layer norm, attention and dropout; the result is added to the input.
    2. Feed-forward block, which normalises its input; the result is added, too.

    Parameters
    ----------
    in_len : int
        Channels C.
    n_heads : int
        Heads of the attention.
    attn_dropout : float
        Dropout of attention weights.
    ff_dropout : float
        Dropout after attention and in the feed-forward block.
    flash_attn : bool or "flashzoi"
        Kind of attention. False: relative positions (`Attention`). True: gReLU's with rotary
        positions (`FlashAttention`). "flashzoi": Flashzoi's (`GroupedAttention`).
    n_pos_features, key_len, value_len : int, optional
        See `Attention`. Default is None: only for rotary positions, which do not use them.
    pos_dropout : float, optional
        Dropout of positional features. Default is None: no dropout.
    norm_kwargs : dict, optional
        Further arguments of both layer norms, such as `eps`. Default is None.
    position_length : int, optional
        See `Attention`.

    Raises
    ------
    ModelError
        If an argument of relative attention is missing.
    """

    mha: Layer

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
        norm_kwargs: NormOptions | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
        position_length: int | None = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.norm = Norm("layer", in_len, **(norm_kwargs or {}), **factory)
        if flash_attn == "flashzoi":
            self.mha = GroupedAttention(in_len, n_heads, dropout_p=attn_dropout, **factory)
        elif flash_attn:
            self.mha = FlashAttention(in_len, n_heads, dropout_p=attn_dropout, **factory)
        else:
            if n_pos_features is None or key_len is None or value_len is None:
                raise ModelError(
                    "attention with relative positions needs n_pos_features, key_len and value_len"
                )
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


class TransformerTower(Layer):
    """Transformer blocks in sequence: (N, C, L) -> (N, C, L).

    Parameters
    ----------
    in_channels : int
        Channels C.
    n_blocks, n_heads : int
        Blocks, and heads of each attention. Default is 1.
    n_pos_features, key_len, value_len : int
        Positional features, channels of a head's queries and keys, and of its values. Defaults
        are 32, 64 and 64.
    pos_dropout, attn_dropout, ff_dropout : float
        Dropout of positional features, of attention weights, and after attention and in the
        feed-forward block. Default is 0.0.
    norm_kwargs
        See `TransformerBlock`.
    flash_attn : bool or "flashzoi"
        Kind of attention, see `TransformerBlock`. Default is False.
    position_length
        See `Attention`.
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
        norm_kwargs: NormOptions | None = None,
        flash_attn: bool | str = False,
        dtype: torch.dtype | None = None,
        device: Device = None,
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
