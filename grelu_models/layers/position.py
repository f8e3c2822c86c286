"""Features of relative positions for attention. They depend on the length only, not on weights.

A sequence of L positions has the distances -(L - 1) ... L - 1 (key minus query). Every function
returns one row for each of these 2 L - 1 distances, in this order.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from grelu_models.errors import ModelError

__all__ = [
    "central_mask",
    "central_mask_steps",
    "enformer_features",
    "exponential_features",
    "gamma_features",
    "get_central_mask",
]


MOST_VALUES = 2**26
"""Values of the largest table of positional features: 256 MiB of float32. Enformer needs 0.6
million at its published window."""


def get_central_mask(x: Tensor, out_channels: int) -> Tensor:
    """Borzoi's positional features, `central_mask`, under gReLU's name and with its arguments.

    Parameters
    ----------
    x : Tensor (N, L, C)
        Its length, type and device are used.
    out_channels : int
        Features; an even number.

    Returns
    -------
    Tensor (2 * L - 1, out_channels)
    """
    return central_mask(x.shape[-2], out_channels).to(x)


def central_mask(length: int, features: int, *, scale: int | None = None) -> Tensor:
    """Borzoi's features: whether a distance is below each width, and the same with its sign.

    Width i is (scale + 1) ** (i / half) - 1, for half = features // 2 and i = 1 ... half.

    Parameters
    ----------
    length : int
        Positions L.
    features : int
        Columns; an even number.
    scale : int, optional
        The length that the widths cover. Default is None: `length`.

    Returns
    -------
    Tensor (2 * length - 1, 2 * half), float32
        Indicators (0 or 1), then the same multiplied by the sign of the distance.

    Notes
    -----
    Linder et al. 2025, 10.1038/s41588-024-02053-6.

    Examples
    --------
    Distances of -2 to 2 against widths of 1 and 3:

    >>> central_mask(3, 4).int().tolist()
    [[0, 1, 0, -1], [0, 1, 0, -1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 1, 0, 1]]
    """
    _check_size(length, features)
    half = features // 2
    # The order of float32 operations is gReLU's: it matters for widths close to a whole number.
    rate = torch.exp(torch.log(torch.tensor([scale or length], dtype=torch.float32) + 1) / half)
    widths = rate ** torch.arange(1, half + 1, dtype=torch.float32) - 1
    distances = _distances(length)
    inside = (widths > distances.abs()[:, None]).float()
    return torch.cat([inside, distances.sign()[:, None] * inside], dim=-1)


@lru_cache(maxsize=64)
def central_mask_steps(
    length: int, features: int, scale: int | None = None
) -> tuple[Tensor, tuple[int, ...]]:
    """`central_mask` without repeated rows: it is a step function of the distance.

    Parameters
    ----------
    length, features, scale
        See `central_mask`.

    Returns
    -------
    rows : Tensor (steps, features)
        The distinct rows in the order of the distances, at most features + 1.
    counts : tuple of int
        Consecutive distances that share each row. Their sum is 2 * length - 1.
    """
    with torch.inference_mode(False):  # a later call may need the cached tensor with gradients
        mask = central_mask(length, features, scale=scale)
        rows, counts = torch.unique_consecutive(mask, dim=0, return_counts=True)
    return rows, tuple(counts.tolist())


def exponential_features(length: int, features: int) -> Tensor:
    """Exponential decays with half-lives from 8 to `length`: (2 * length - 1, features)."""
    half_lives = 2 ** torch.linspace(3.0, math.log(length) / math.log(2.0), features)
    return torch.exp(-math.log(2.0) / half_lives * _distances(length).abs()[:, None])


def binary_mask_features(length: int, features: int) -> Tensor:
    """Whether a distance is below 2 ** i - 1, i = 1 ... features: (2 * length - 1, features)."""
    widths = 2 ** torch.arange(1, features + 1).float() - 1
    return (widths > _distances(length).abs()[:, None]).float()


def gamma_features(length: int, features: int, *, tensorflow: bool = False) -> Tensor:
    """Gamma densities of the distance with means up to `length`: (2 * length - 1, features).

    Parameters
    ----------
    length, features : int
    tensorflow : bool
        True: scale each density by its own maximum, as in TensorFlow, with which the published
        Enformer was trained (its stored values differ by up to 0.002, by float32 rounding).
        Default is False: scale by the maximum over the features of a distance, as in
        enformer-pytorch and gReLU.
    """
    deviation = length / (2 * features)
    mean = torch.linspace(length / features, length, features)
    shape, rate = (mean / deviation) ** 2, mean / deviation**2
    distances = _distances(length).abs()[:, None]
    log_density = torch.xlogy(shape - 1, distances) - rate * distances
    log_norm = torch.lgamma(shape) - shape * torch.log(rate)
    density = torch.exp(log_density - log_norm) + 1e-8
    return density / density.amax(dim=0 if tensorflow else -1, keepdim=True)


@lru_cache(maxsize=16)
def enformer_features(length: int, features: int, tensorflow_gamma: bool = False) -> Tensor:
    """Enformer's positional features.

    The first half of the columns are unsigned features: one third each exponential decays, masks
    and gamma densities. The second half are the same, multiplied by the sign of the distance.

    Parameters
    ----------
    length : int
        Positions L.
    features : int
        Columns, a multiple of 6.
    tensorflow_gamma : bool
        See `tensorflow` of `gamma_features`. Default is False.

    Returns
    -------
    Tensor (2 * length - 1, features), float32
        Cached and shared between calls: do not change it in place.

    Notes
    -----
    Avsec et al. 2021, 10.1038/s41592-021-01252-x.
    """
    _check_size(length, features)
    part = features // 6
    with torch.inference_mode(False):  # a later call may need the cached tensor with gradients
        unsigned = torch.cat(
            [
                exponential_features(length, part),
                binary_mask_features(length, part),
                gamma_features(length, part, tensorflow=tensorflow_gamma),
            ],
            dim=-1,
        )
        return torch.cat([unsigned, _distances(length).sign()[:, None] * unsigned], dim=-1)


def _check_size(length: int, features: int) -> None:
    """Refuse a table that a description could make larger than the memory."""
    if 2 * length * features > MOST_VALUES:
        raise ModelError(
            f"attention over {length:,} positions with {features:,} positional features needs more "
            f"than {MOST_VALUES:,} values: use a shorter window or more pooling"
        )


def _distances(length: int) -> Tensor:
    return torch.arange(-length + 1, length, dtype=torch.float32)
