"""Attention with relative positions; subclasses in `attention` define the features.

Inputs and outputs are (N, L, C): sequences, positions, channels. Relative attention (Dai et al.
2019, 10.48550/arXiv.1901.02860) adds to each logit a term that depends on query and distance.
Usually, these terms are computed as a matrix of L x (2 L - 1) for every head, which is then shifted
row by row. Here, a block of queries at a time is combined with only the distances that occur in it,
and the shift is a view.
"""

from typing import Unpack

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from grelu_models.layers.types import Factory, Layer

__all__ = ["RelativeAttention"]

QUERIES = 256
"""Queries in a block. Its logits fit in the caches of one core."""


class RelativeAttention(Layer):
    """Multi-head attention with relative positions: (N, L, C) -> (N, L, C).

    1. Linear layers give each head queries and keys of `key_len` channels and values of
       `value_len` channels. Queries are divided by the square root of `key_len`.
    2. Content logits: (query + rel_content_bias) @ key.
    3. Positional logits: (query + rel_pos_bias) @ positional key. A positional key is a projection
       of the features of the distance between key and query.
    4. The softmax over the keys of the sum of both weights the values.
    5. A linear layer joins the heads.

    Subclasses define the features.

    Parameters
    ----------
    in_len : int
        Channels C.
    key_len, value_len : int
        Channels of a head's queries and keys, and of its values.
    n_heads : int
        Heads.
    pos_dropout, attn_dropout : float
        Dropout of positional features and of attention weights.
    **factory
        `dtype` and `device`.
    """

    def __init__(
        self,
        in_len: int,
        key_len: int,
        value_len: int,
        n_heads: int,
        pos_dropout: float,
        attn_dropout: float,
        **factory: Unpack[Factory],
    ) -> None:
        super().__init__()
        self.n_heads, self.key_len = n_heads, key_len
        self.to_q = nn.Linear(in_len, key_len * n_heads, bias=False, **factory)
        self.to_k = nn.Linear(in_len, key_len * n_heads, bias=False, **factory)
        self.to_v = nn.Linear(in_len, value_len * n_heads, bias=False, **factory)
        self.to_out = nn.Linear(value_len * n_heads, in_len, **factory)
        self.rel_content_bias = nn.Parameter(torch.randn(1, n_heads, 1, key_len, **factory))
        self.rel_pos_bias = nn.Parameter(torch.randn(1, n_heads, 1, key_len, **factory))
        self.pos_dropout = nn.Dropout(pos_dropout)
        self.attn_dropout = nn.Dropout(attn_dropout)
        self._kept: tuple[tuple[object, ...], Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        project = [self.to_q, self.to_k, self.to_v]
        q, k, v = (rearrange(to(x), "n l (h d) -> n h l d", h=self.n_heads) for to in project)
        q = q * self.key_len**-0.5
        keys = self._keep_keys(x.shape[1]).to(q.dtype)
        learning = self.training or torch.is_grad_enabled()
        blocks = x.device.type == "cpu" and not learning
        attend = self._attend_in_blocks if blocks else self._attend_densely
        x = attend(q + self.rel_content_bias, q + self.rel_pos_bias, k, v, keys)
        x = self.to_out(rearrange(x, "n h l d -> n l (h d)"))
        return x

    def _position_keys(self, length: int) -> Tensor:
        """Positional keys of a sequence length: (heads, rows, key_len)."""
        raise NotImplementedError

    def _score_distances(
        self, q: Tensor, keys: Tensor, length: int, first: int, last: int
    ) -> Tensor:
        """Positional logits of a range of distances: (..., queries, last - first).

        Parameters
        ----------
        q : Tensor (..., queries, key_len)
        keys : Tensor (..., rows, key_len)
            See `_position_keys`.
        length : int
        first, last : int
            Indices of distances, half-open. Index 0 is the distance -(length - 1).
        """
        raise NotImplementedError

    def _keep_keys(self, length: int) -> Tensor:
        """Positional keys, cached until the length or the weights change."""
        weight = self._position_weight()
        fixed = not (self.training or torch.is_grad_enabled() or weight.is_meta)
        if not fixed or torch.compiler.is_compiling():
            return self._position_keys(length)
        version = 0 if weight.is_inference() else weight._version
        stamp = (length, weight.device, weight.dtype, weight.data_ptr(), version)
        if self._kept is None or self._kept[0] != stamp:
            self._kept = (stamp, self._position_keys(length))
        return self._kept[1]

    def _position_weight(self) -> Tensor:
        """Weights of the projection of positional features."""
        raise NotImplementedError

    def _project_positions(self, features: Tensor, to_keys: nn.Linear) -> Tensor:
        features = self.pos_dropout(features.to(to_keys.weight))
        keys: Tensor = to_keys(features)
        return rearrange(keys, "r (h d) -> h r d", h=self.n_heads)

    def _attend_densely(
        self, q: Tensor, q_position: Tensor, k: Tensor, v: Tensor, keys: Tensor
    ) -> Tensor:
        """Attend with all queries at once: with gradients, and on devices with a fused kernel."""
        length = q.shape[2]
        by_distance = self._score_distances(q_position, keys, length, 0, 2 * length - 1)
        return F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=_shift_rows(by_distance, length).contiguous(),
            dropout_p=self.attn_dropout.p if self.training else 0.0,
            scale=1.0,
        )

    def _attend_in_blocks(
        self, q: Tensor, q_position: Tensor, k: Tensor, v: Tensor, keys: Tensor
    ) -> Tensor:
        """Attend with a block of queries of one head at a time, without gradients or dropout."""
        length = q.shape[2]
        out = v.new_empty(*q.shape[:3], v.shape[3])
        for n in range(q.shape[0]):
            for h in range(self.n_heads):
                for a in range(0, length, QUERIES):
                    b = min(a + QUERIES, length)
                    window = (length - b, 2 * length - 1 - a)
                    query = q_position[n, h, a:b]
                    by_distance = self._score_distances(query, keys[h], length, *window)
                    position = _shift_rows(by_distance, length)
                    logits = torch.addmm(position, q[n, h, a:b], k[n, h].T)
                    torch.matmul(logits.softmax(dim=-1), v[n, h], out=out[n, h, a:b])
        return out


def _shift_rows(by_distance: Tensor, length: int) -> Tensor:
    """Logits by key, a view of logits by distance.

    Parameters
    ----------
    by_distance : Tensor (..., queries, length + queries - 1)
        Key 0 is column 0 for the last query, and one column further right for each query before.
    length : int
        Keys.

    Returns
    -------
    Tensor (..., queries, length)
    """
    *outer, queries, width = by_distance.shape
    by_distance = by_distance.contiguous()
    strides = (*by_distance.stride()[:-2], width - 1 if queries > 1 else width, 1)
    offset = by_distance.storage_offset() + queries - 1
    return by_distance.as_strided((*outer, queries, length), strides, offset)
