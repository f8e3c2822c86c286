"""Attention with rotary positions: gReLU's FlashAttention and Flashzoi's, without flash-attn.

Inputs and outputs are (N, L, C): sequences, positions, channels. Rotary positions: Su et al. 2021,
10.48550/arXiv.2104.09864, the two halves of a head turned against each other.
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from grelu_models.errors import ModelError

__all__ = ["FlashAttention", "GroupedAttention", "rotate"]


class FlashAttention(nn.Module):
    """Attention with rotary positions on whole heads, without the flash-attn package.

    Parameters
    ----------
    embed_dim, n_heads : int
        Channels C, and heads of C / n_heads channels each.
    dropout_p : float

    Notes
    -----
    Rotary positions: Su et al. 2021, 10.48550/arXiv.2104.09864, halves rotated against each
    other, base 10,000.
    """

    def __init__(
        self, embed_dim: int, n_heads: int, dropout_p: float = 0.0, device=None, dtype=None
    ) -> None:
        super().__init__()
        if embed_dim % (2 * n_heads):
            raise ModelError(
                f"{embed_dim} channels cannot be cut into {n_heads} heads of even size"
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
        out = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        return self.out(rearrange(out, "n h l d -> n l (h d)"))


class GroupedAttention(nn.Module):
    """Flashzoi's attention: two query heads share a key/value head; part of a head is rotated.

    Parameters
    ----------
    embed_dim, n_heads : int
        Channels C, and query heads; there are half as many key/value heads.
    rotary_dim : int
        Channels of a head that carry the position.
    rotary_base : float
    dropout_p : float

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
        device=None,
        dtype=None,
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
        out = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        return self.out_proj(rearrange(out, "n h l d -> n l (h d)"))


def rotate(x: Tensor, *, width: int, base: float) -> Tensor:
    """Rotate the first `width` channels of heads (..., L, channels) by angles of the position.

    Channel i of the first half and of the second half turn together, by position / base ** (2 i /
    width).
    """
    half = width // 2
    step = torch.arange(half, device=x.device, dtype=torch.float32) / half
    positions = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)
    angle = torch.outer(positions, base**-step)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second, rest = x.split([half, half, x.shape[-1] - width], dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos, rest], dim=-1)
