"""Features of relative positions, for attention. Plain functions of a length; nothing is learned.

A sequence of length L has the distances -(L - 1) ... L - 1 (key minus query); every function
gives one row for each of these 2 L - 1 distances, in this order.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

__all__ = [
    "central_mask",
    "central_mask_steps",
    "enformer_features",
    "exponential_features",
    "gamma_features",
    "get_central_mask",
]


def get_central_mask(x: Tensor, out_channels: int) -> Tensor:
    """Borzoi's positional features for an input (N, L, C): (2 L - 1, out_channels), in x's type.

    gReLU's name and arguments for `central_mask`.
    """
    return central_mask(x.shape[-2], out_channels).to(x)


def central_mask(length: int, features: int, *, scale: int | None = None) -> Tensor:
    """Indicators of a distance below growing widths, and the same times the distance's sign.

    Width i is (scale + 1) ** (i / half) - 1, for half = features // 2 and i = 1 ... half
    (Linder et al. 2025, 10.1038/s41588-024-02053-6).

    Parameters
    ----------
    length, features : int
    scale : int, optional
        The length that the widths are made for; `length` itself unless a model fixes it.

    Returns
    -------
    Tensor (2 * length - 1, 2 * half), float32
    """
    half = features // 2
    # In this order of float32 operations, so that a width next to a whole number falls as gReLU's.
    rate = torch.exp(torch.log(torch.tensor([scale or length], dtype=torch.float32) + 1) / half)
    widths = rate ** torch.arange(1, half + 1, dtype=torch.float32) - 1
    distances = _distances(length)
    inside = (widths > distances.abs()[:, None]).float()
    return torch.cat([inside, distances.sign()[:, None] * inside], dim=-1)


@lru_cache(maxsize=64)
def central_mask_steps(
    length: int, features: int, scale: int | None = None
) -> tuple[Tensor, tuple[int, ...]]:
    """`central_mask` as what it is: a step function of the distance.

    Returns
    -------
    rows : Tensor (steps, features)
        The distinct rows, in the order of the distances: at most features + 1 of them.
    counts : tuple of int
        Neighbouring distances that share each row; they sum up to 2 * length - 1.
    """
    with torch.inference_mode(False):  # what is kept may be needed with gradients later
        mask = central_mask(length, features, scale=scale)
        rows, counts = torch.unique_consecutive(mask, dim=0, return_counts=True)
    return rows, tuple(counts.tolist())


def exponential_features(length: int, features: int) -> Tensor:
    """Exponential decays with half-lives from 2 ** 3 to `length`: (2 * length - 1, features)."""
    half_lives = 2 ** torch.linspace(3.0, math.log(length) / math.log(2.0), features)
    return torch.exp(-math.log(2.0) / half_lives * _distances(length).abs()[:, None])


def binary_mask_features(length: int, features: int) -> Tensor:
    """Indicators of a distance below 2 ** i - 1: (2 * length - 1, features)."""
    widths = 2 ** torch.arange(1, features + 1).float() - 1
    return (widths > _distances(length).abs()[:, None]).float()


def gamma_features(length: int, features: int, *, tensorflow: bool = False) -> Tensor:
    """Gamma densities of the distance with means up to `length`: (2 * length - 1, features).

    Parameters
    ----------
    tensorflow : bool
        Scale each density by its own maximum, as the program that trained the published Enformer
        did (values differ from its stored ones by up to 0.002, which is its float32 rounding);
        otherwise by the maximum over the features of a distance, as enformer-pytorch and gReLU do.
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
    """Enformer's positional features: exponential, mask and gamma, then the same with the sign.

    Parameters
    ----------
    length : int
        Positions L.
    features : int
        Columns, a multiple of 6.
    tensorflow_gamma : bool
        See `gamma_features`.

    Returns
    -------
    Tensor (2 * length - 1, features), float32
        Shared between calls: do not change it in place.

    Notes
    -----
    Avsec et al. 2021, 10.1038/s41592-021-01252-x.
    """
    part = features // 6
    with torch.inference_mode(False):  # what is kept may be needed with gradients later
        unsigned = torch.cat(
            [
                exponential_features(length, part),
                binary_mask_features(length, part),
                gamma_features(length, part, tensorflow=tensorflow_gamma),
            ],
            dim=-1,
        )
        return torch.cat([unsigned, _distances(length).sign()[:, None] * unsigned], dim=-1)


def _distances(length: int) -> Tensor:
    return torch.arange(-length + 1, length, dtype=torch.float32)
