"""Attention of Borzoi and of Enformer: relative attention with their positional features."""

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.layers.position import central_mask_steps, enformer_features
from grelu_models.layers.relative import RelativeAttention
from grelu_models.layers.types import Device, Factory

__all__ = ["Attention", "EnformerAttention"]


class Attention(RelativeAttention):
    """Borzoi's attention, with the features `get_central_mask`: (N, L, C) -> (N, L, C).

    The features are step functions of the distance. A query therefore has at most
    n_pos_features + 1 distinct positional logits, which are computed once and then repeated.

    Parameters
    ----------
    in_len, key_len, value_len, n_heads
        See `RelativeAttention`.
    n_pos_features : int
        Positional features, an even number.
    pos_dropout, attn_dropout : float
        Dropout of positional features and of attention weights. Default is 0.
    position_length : int, optional
        Scale of the features in positions, at any length of the input. borzoi-pytorch uses 4,096.
        Default is None: the length of the input, as in gReLU.

    Notes
    -----
    Linder et al. 2025, 10.1038/s41588-024-02053-6.
    """

    def __init__(
        self,
        in_len: int,
        key_len: int,
        value_len: int,
        n_heads: int,
        n_pos_features: int,
        pos_dropout: float = 0,
        attn_dropout: float = 0,
        device: Device = None,
        dtype: torch.dtype | None = None,
        position_length: int | None = None,
    ) -> None:
        factory: Factory = {"device": device, "dtype": dtype}
        super().__init__(in_len, key_len, value_len, n_heads, pos_dropout, attn_dropout, **factory)
        self.n_pos_features, self.position_length = n_pos_features, position_length
        self.to_pos_k = nn.Linear(n_pos_features, key_len * n_heads, bias=False, **factory)

    def _position_weight(self) -> Tensor:
        return self.to_pos_k.weight

    def _steps(self, length: int) -> tuple[Tensor, tuple[int, ...]]:
        return central_mask_steps(length, self.n_pos_features, self.position_length)

    def _position_keys(self, length: int) -> Tensor:
        return self._project_positions(self._steps(length)[0], self.to_pos_k)

    def _score_distances(
        self, q: Tensor, keys: Tensor, length: int, first: int, last: int
    ) -> Tensor:
        table = q @ keys.transpose(-1, -2)
        pieces, end = [], 0
        for step, count in enumerate(self._steps(length)[1]):
            begin, end = end, end + count
            width = min(end, last) - max(begin, first)
            if width > 0:
                pieces.append(table[..., step : step + 1].expand(*table.shape[:-1], width))
        return torch.cat(pieces, dim=-1)


class EnformerAttention(RelativeAttention):
    """Enformer's attention, with the features `enformer_features`: (N, L, C) -> (N, L, C).

    Parameters
    ----------
    dim : int
        Channels C.
    num_rel_pos_features : int
        Positional features, a multiple of 6.
    heads, dim_key, dim_value : int
        Heads, channels of a head's queries and keys, and of its values. Defaults are 8, 64 and 64.
    dropout, pos_dropout : float
        Dropout of attention weights and of positional features. Default is 0.0.
    use_tf_gamma : bool
        Whether to scale gamma densities as TensorFlow did, see `position.gamma_features`: True for
        the weights published by DeepMind, False for those trained with gReLU. Default is False.

    Raises
    ------
    ModelError
        If the number of positional features is not a multiple of 6.

    Notes
    -----
    Avsec et al. 2021, 10.1038/s41592-021-01252-x.
    """

    def __init__(
        self,
        dim: int,
        *,
        num_rel_pos_features: int,
        heads: int = 8,
        dim_key: int = 64,
        dim_value: int = 64,
        dropout: float = 0.0,
        pos_dropout: float = 0.0,
        use_tf_gamma: bool = False,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if num_rel_pos_features % 6:
            raise ModelError(
                "Enformer's attention needs a multiple of 6 positional features, not "
                f"{num_rel_pos_features}: choose channels and n_heads so that channels // n_heads "
                "is such a multiple"
            )
        factory: Factory = {"device": device, "dtype": dtype}
        super().__init__(dim, dim_key, dim_value, heads, pos_dropout, dropout, **factory)
        self.num_rel_pos_features, self.use_tf_gamma = num_rel_pos_features, use_tf_gamma
        self.to_rel_k = nn.Linear(num_rel_pos_features, dim_key * heads, bias=False, **factory)

    def _position_weight(self) -> Tensor:
        return self.to_rel_k.weight

    def _position_keys(self, length: int) -> Tensor:
        features = enformer_features(length, self.num_rel_pos_features, self.use_tf_gamma)
        return self._project_positions(features, self.to_rel_k)

    def _score_distances(
        self, q: Tensor, keys: Tensor, length: int, first: int, last: int
    ) -> Tensor:
        return q @ keys[..., first:last, :].transpose(-1, -2)
