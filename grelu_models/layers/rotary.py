"""Attention with rotary positions: gReLU's and Flashzoi's, without the flash-attn package.

Inputs and outputs are (N, L, C): sequences, positions, channels. Rotary positions (Su et al. 2021,
10.48550/arXiv.2104.09864) rotate queries and keys by angles proportional to their position, so
that a logit depends on the distance. Channel i is paired with channel i + half.
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from grelu_models.errors import ModelError
from grelu_models.layers.types import Device, Layer

__all__ = ["FlashAttention", "GroupedAttention", "rotate"]


class FlashAttention(Layer):
    """gReLU's attention with rotary positions: (N, L, C) -> (N, L, C).

    All channels of a head are rotated, with base 10,000. The weights are those of gReLU's class of
    this name, which needs the flash-attn package and a GPU; this one needs neither.

    Parameters
    ----------
    embed_dim : int
        Channels C.
    n_heads : int
        Heads, of C / n_heads channels each, which must be an even number.
    dropout_p : float
        Dropout of attention weights. Default is 0.0.

    Raises
    ------
    ModelError
        If the channels cannot be split into such heads.
    """

    def __init__(
        self,
        embed_dim: int,
        n_heads: int,
        dropout_p: float = 0.0,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if embed_dim % (2 * n_heads):
            raise ModelError(
                f"{embed_dim} channels cannot be split into {n_heads} heads with an even number "
                "of channels: choose another number of channels or heads"
            )
        self.n_heads, self.dropout_p = n_heads, dropout_p
        self.qkv = nn.Linear(embed_dim, embed_dim * 3, bias=False, device=device, dtype=dtype)
        self.out = nn.Linear(embed_dim, embed_dim, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        split = "n l (three h d) -> three n h l d"
        q, k, v = rearrange(self.qkv(x), split, three=3, h=self.n_heads)
        width = q.shape[-1]
        q, k = (rotate(t, width=width, base=10_000.0) for t in (q, k))
        dropout = self.dropout_p if self.training else 0.0
        x = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        x = self.out(rearrange(x, "n h l d -> n l (h d)"))
        return x


class GroupedAttention(Layer):
    """Flashzoi's attention: (N, L, C) -> (N, L, C).

    Two query heads share one key and value head. The first `rotary_dim` channels of a head are
    rotated, the others carry no position.

    Parameters
    ----------
    embed_dim : int
        Channels C.
    n_heads : int
        Query heads, an even number.
    dropout_p : float
        Dropout of attention weights. Default is 0.0.
    rotary_dim : int
        Rotated channels of a head. Default is 128.
    rotary_base : float
        Base of the angles. Default is 20000.0.

    Notes
    -----
    Hingerl et al. 2024, 10.1101/2024.12.18.629121.
    """

    def __init__(
        self,
        embed_dim: int,
        n_heads: int,
        dropout_p: float = 0.0,
        rotary_dim: int = 128,
        rotary_base: float = 20_000.0,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.n_heads, self.head = n_heads, embed_dim // n_heads
        self.rotary_dim, self.rotary_base = rotary_dim, rotary_base
        self.dropout_p = dropout_p
        width = embed_dim + 2 * (n_heads // 2) * self.head
        self.Wqkv = nn.Linear(embed_dim, width, device=device, dtype=dtype)
        self.out_proj = nn.Linear(embed_dim, embed_dim, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        pairs = self.n_heads // 2
        heads = rearrange(self.Wqkv(x), "n l (h d) -> n h l d", d=self.head)
        q, k, v = heads.split([self.n_heads, pairs, pairs], dim=1)
        q, k = (rotate(t, width=self.rotary_dim, base=self.rotary_base) for t in (q, k))
        k, v = (t.repeat_interleave(2, dim=1) for t in (k, v))
        dropout = self.dropout_p if self.training else 0.0
        x = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        x = self.out_proj(rearrange(x, "n h l d -> n l (h d)"))
        return x


def rotate(x: Tensor, *, width: int, base: float) -> Tensor:
    """Heads with rotated channels: (..., L, channels) -> (..., L, channels).

    Parameters
    ----------
    x : Tensor (..., L, channels)
    width : int
        Rotated channels, the first ones. Channel i < width / 2 and channel i + width / 2 are the
        coordinates of a point, which is rotated by position / base ** (2 i / width) radians.
    base : float
    """
    half = width // 2
    step = torch.arange(half, device=x.device, dtype=torch.float32) / half
    positions = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)
    angle = torch.outer(positions, base**-step)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second, rest = torch.split(x, [half, half, x.shape[-1] - width], dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos, rest], dim=-1)
