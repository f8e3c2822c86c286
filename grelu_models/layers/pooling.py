"""Pooling along the sequence. Shapes are (N, C, L)."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grelu_models.errors import ModelError
from grelu_models.layers.registry import choose
from grelu_models.layers.types import Layer, Wrapper

__all__ = ["AdaptivePool", "AttentionPool", "Pool"]


class AttentionPool(Layer):
    """Softmax-weighted mean of each group of positions: (N, C, L) -> (N, C, ceil(L / pool_size)).

    1. A 1x1 projection, initialised to twice the identity, gives a logit for every channel and
       position.
    2. The softmax over the positions of a group turns the logits into weights.
    3. The output is the weighted sum over the group.

    An incomplete last group is padded, and the padding gets no weight.

    Parameters
    ----------
    dim : int
        Channels C.
    pool_size : int
        Positions in a group. Default is 2.

    Notes
    -----
    Avsec et al. 2021, 10.1038/s41592-021-01252-x.
    """

    def __init__(self, dim: int, pool_size: int = 2) -> None:
        super().__init__()
        self.pool_size = pool_size
        self.to_attn_logits = nn.Conv2d(dim, dim, 1, bias=False)
        with torch.no_grad():
            self.to_attn_logits.weight.copy_(2 * torch.eye(dim)[:, :, None, None])

    def forward(self, x: Tensor) -> Tensor:
        if self.pool_size == 2:
            return self._pool_pairs(x)
        missing = -x.shape[-1] % self.pool_size
        groups = torch.unflatten(F.pad(x, (0, missing)), -1, (-1, self.pool_size))
        logits: Tensor = self.to_attn_logits(groups)
        if missing:
            padding = torch.zeros_like(logits[:1, :1], dtype=torch.bool)
            padding[..., -1, -missing:] = True
            logits = logits.masked_fill(padding, -torch.finfo(logits.dtype).max)
        return (groups * logits.softmax(dim=-1)).sum(dim=-1)

    def _pool_pairs(self, x: Tensor) -> Tensor:
        """Pool groups of two, whose softmax is the sigmoid of a difference: half the products."""
        pairs = x.shape[-1] // 2
        first, second = x[..., : 2 * pairs : 2], x[..., 1 : 2 * pairs : 2]
        difference = first - second
        weight = self.to_attn_logits.weight[:, :, 0, 0].expand(len(x), -1, -1)
        pooled = torch.addcmul(second, torch.bmm(weight, difference).sigmoid(), difference)
        return torch.cat([pooled, x[..., 2 * pairs :]], dim=-1) if x.shape[-1] % 2 else pooled


POOLS: dict[str | None, Callable[..., nn.Module]] = {
    "avg": nn.AvgPool1d,
    "max": nn.MaxPool1d,
    "attn": AttentionPool,
    None: nn.Identity,
}


class Pool(Wrapper):
    """Pooling of neighbouring positions: (N, C, L) -> (N, C, L // pool_size).

    Attention pooling rounds the number of positions up, the others down.

    Parameters
    ----------
    func : str or None
        "avg", "max" or "attn" (`AttentionPool`). None is the identity.
    pool_size : int, optional
        Positions pooled into one, needed unless `func` is None. Default is None.
    in_channels : int, optional
        Channels C, needed for "attn". Default is None.
    **kwargs
        Further arguments of the torch module.

    Attributes
    ----------
    pool_size : int
        1 for the identity.

    Raises
    ------
    ModelError
        If the name is unknown, or a needed argument is missing.
    """

    def __init__(
        self,
        func: str | None,
        pool_size: int | None = None,
        in_channels: int | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__()
        if func is None:
            pool_size = 1
        elif pool_size is None:
            raise ModelError(f"pooling {func!r} needs pool_size")
        if func == "attn" and in_channels is None:
            raise ModelError("pooling 'attn' needs in_channels")
        self.pool_size = pool_size
        channels = (in_channels,) if func == "attn" else ()
        self.layer = choose(POOLS, func, "pooling")(*channels, pool_size, **kwargs)


FINAL_POOLS: dict[str | None, Callable[[], nn.Module]] = {
    "avg": partial(nn.AdaptiveAvgPool1d, 1),
    "max": partial(nn.AdaptiveMaxPool1d, 1),
    None: nn.Identity,
}


class AdaptivePool(Wrapper):
    """Pooling of all positions into one: (N, C, L) -> (N, C, 1).

    Parameters
    ----------
    func : str or None
        "avg" or "max". Default is None: all positions are kept.

    Raises
    ------
    ModelError
        If the name is unknown.
    """

    def __init__(self, func: str | None = None) -> None:
        super().__init__()
        self.layer = choose(FINAL_POOLS, func, "final pooling")()
