"""Layers: the smallest pieces of a model, each wrapping one torch module as `.layer`.

The wrapped name is part of the state-dict contract with gReLU checkpoints
(`norm.layer.weight`, `channel_transform.layer.bias`, ...). Unless a class says otherwise, inputs
and outputs have shape (N, C, L): sequences, channels, positions.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grelu_models.errors import ModelError

__all__ = [
    "Activation",
    "AdaptivePool",
    "AttentionPool",
    "ChannelTransform",
    "Crop",
    "Dropout",
    "Norm",
    "PointwiseConv",
    "Pool",
    "make_conv",
]


def _choose(table: dict, func: str | None, what: str) -> Callable[..., nn.Module]:
    """Look a layer's name up, or say which names there are."""
    try:
        return table[func]
    except (KeyError, TypeError):
        known = ", ".join(str(name) for name in table)
        raise ModelError(f"unknown {what} {func!r}: use one of {known}") from None


class Exp(nn.Module):
    """Exponential, elementwise."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(x)


class EnformerGELU(nn.Module):
    """x * sigmoid(1.702 x), as in Enformer (Avsec et al. 2021, 10.1038/s41592-021-01252-x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str | None, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "gelu_borzoi": lambda: nn.GELU(approximate="tanh"),
    "gelu_enformer": EnformerGELU,
    "softplus": nn.Softplus,
    "exp": Exp,
    None: nn.Identity,
}


class Activation(nn.Module):
    """A nonlinearity by name.

    Parameters
    ----------
    func : str or None
        relu, elu, gelu (erf), gelu_borzoi (tanh), gelu_enformer (sigmoid), softplus, exp; None is
        the identity.
    """

    def __init__(self, func: str | None) -> None:
        super().__init__()
        self.layer = _choose(ACTIVATIONS, func, "activation")()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class PointwiseConv(nn.Conv1d):
    """A convolution of width 1, as the matrix product that it is (quicker on most devices)."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight[:, :, 0].expand(len(x), -1, -1)
        if self.bias is None:
            return torch.bmm(weight, x)
        return torch.baddbmm(self.bias[:, None], weight, x)


def make_conv(in_channels: int, out_channels: int, kernel_size: int, **kwargs) -> nn.Conv1d:
    """A convolution that keeps the length ("same" padding)."""
    if kernel_size == 1 and not kwargs.keys() & {"groups", "stride"}:
        return PointwiseConv(in_channels, out_channels, 1, **kwargs)
    return nn.Conv1d(in_channels, out_channels, kernel_size, padding="same", **kwargs)


class AttentionPool(nn.Module):
    """Softmax-weighted mean over groups of positions (Enformer's pooling).

    The weights come from a 1x1 projection, initialised to twice the identity. A last group that
    is not full is padded, and the padding gets no weight.

    Parameters
    ----------
    dim : int
        Channels.
    pool_size : int
        Positions in a group.
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
        groups = F.pad(x, (0, missing)).unflatten(-1, (-1, self.pool_size))
        logits = self.to_attn_logits(groups)
        if missing:
            padding = torch.zeros_like(logits[:1, :1], dtype=torch.bool)
            padding[..., -1, -missing:] = True
            logits = logits.masked_fill(padding, -torch.finfo(logits.dtype).max)
        return (groups * logits.softmax(dim=-1)).sum(dim=-1)

    def _pool_pairs(self, x: Tensor) -> Tensor:
        """The softmax over two logits is a sigmoid of their difference, and so is one product."""
        pairs = x.shape[-1] // 2
        first, second = x[..., : 2 * pairs : 2], x[..., 1 : 2 * pairs : 2]
        difference = first - second
        weight = self.to_attn_logits.weight[:, :, 0, 0].expand(len(x), -1, -1)
        pooled = torch.addcmul(second, torch.bmm(weight, difference).sigmoid(), difference)
        return torch.cat([pooled, x[..., 2 * pairs :]], dim=-1) if x.shape[-1] % 2 else pooled


class Pool(nn.Module):
    """Pooling over groups of neighbouring positions: (N, C, L) -> (N, C, L // pool_size).

    Parameters
    ----------
    func : str or None
        avg, max, attn (attention, needs `in_channels`) or None for the identity.
    pool_size : int, optional
        Positions pooled into one.
    in_channels : int, optional
        Channels of the input, for attention pooling.
    """

    def __init__(
        self,
        func: str | None,
        pool_size: int | None = None,
        in_channels: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__()
        if func is not None and pool_size is None:
            raise ModelError(f"pooling {func!r} needs pool_size")
        if func == "attn" and in_channels is None:
            raise ModelError("pooling 'attn' needs in_channels")
        pools = {
            "avg": lambda: nn.AvgPool1d(kernel_size=pool_size, **kwargs),
            "max": lambda: nn.MaxPool1d(kernel_size=pool_size, **kwargs),
            "attn": lambda: AttentionPool(dim=in_channels, pool_size=pool_size, **kwargs),
            None: nn.Identity,
        }
        self.pool_size = 1 if func is None else pool_size
        self.layer = _choose(pools, func, "pooling")()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class AdaptivePool(nn.Module):
    """Pool all positions into one, (N, C, L) -> (N, C, 1), by `avg` or `max`; None keeps them."""

    def __init__(self, func: str | None = None) -> None:
        super().__init__()
        pools = {
            "avg": lambda: nn.AdaptiveAvgPool1d(1),
            "max": lambda: nn.AdaptiveMaxPool1d(1),
            None: nn.Identity,
        }
        self.layer = _choose(pools, func, "final pooling")()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Norm(nn.Module):
    """Normalisation by name.

    Parameters
    ----------
    func : str or None
        batch, syncbatch, instance (affine, with running statistics, so that it evaluates as batch
        norm does), layer (acts on the last axis: give it (N, L, C)) or None for the identity.
    in_dim : int, optional
        Channels; needed unless `func` is None.
    """

    def __init__(self, func: str | None = None, in_dim: int | None = None, **kwargs) -> None:
        super().__init__()
        if func is not None and in_dim is None:
            raise ModelError(f"normalisation {func!r} needs in_dim")
        norms = {
            "batch": lambda: nn.BatchNorm1d(in_dim, **kwargs),
            "syncbatch": lambda: nn.SyncBatchNorm(in_dim, **kwargs),
            "instance": lambda: nn.InstanceNorm1d(
                in_dim, **{"affine": True, "track_running_stats": True, **kwargs}
            ),
            "layer": lambda: nn.LayerNorm(in_dim, **kwargs),
            None: nn.Identity,
        }
        self.layer = _choose(norms, func, "normalisation")()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Dropout(nn.Module):
    """Dropout with probability `p`; the identity at 0."""

    def __init__(self, p: float = 0.0) -> None:
        super().__init__()
        self.layer = nn.Dropout(p) if p > 0 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class ChannelTransform(nn.Module):
    """A 1x1 convolution from `in_channels` to `out_channels`.

    It is the identity, without weights, where the two are equal, unless `if_equal`.
    """

    def __init__(
        self, in_channels: int, out_channels: int = 1, if_equal: bool = False, **kwargs
    ) -> None:
        super().__init__()
        if in_channels == out_channels and not if_equal:
            self.layer = nn.Identity()
        else:
            self.layer = make_conv(in_channels, out_channels, 1, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Crop(nn.Module):
    """Drop positions at both ends: (N, C, L) -> (N, C, L - 2 * crop_len).

    Parameters
    ----------
    crop_len : int or "auto"
        Positions (not base pairs) to drop at each end; "auto" is `receptive_field // 2`.
    receptive_field : int, optional
        gReLU's count of the receptive field, for "auto".

    Raises
    ------
    ModelError
        From `forward`, if nothing would be left.
    """

    def __init__(self, crop_len: int | str = 0, receptive_field: int | None = None) -> None:
        super().__init__()
        if crop_len == "auto":
            if receptive_field is None:
                raise ModelError("crop_len 'auto' needs a receptive field")
            crop_len = receptive_field // 2
        if not isinstance(crop_len, int) or crop_len < 0:
            raise ModelError(f"crop_len must be 'auto' or a number of positions, not {crop_len!r}")
        self.crop_len = crop_len

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[-1]
        if length <= 2 * self.crop_len:
            raise ModelError(
                f"cropping {self.crop_len} positions at each end leaves nothing of {length}: "
                "use a longer window or a smaller crop_len"
            )
        return x[..., self.crop_len : length - self.crop_len]
