"""Layers of Keras without variables: pools, merges, and changes of shape.

A value (length, channels) of Keras is (N, channels, length), features are (N, features).
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from grelu_models.files.keras.shapes import IDENTITIES, MERGES
from grelu_models.models.keras.weighted import pad_same

__all__ = ["FUNCTIONS"]

Options = dict[str, Any]


def pool(options: Options, x: Tensor) -> Tensor:
    """Pool windows; the padding of "same" does not count in their maximum or mean."""
    size, stride = options["size"], options["stride"]
    largest = options["kind"] == "max"
    if options["padding"] == "same":
        padded = pad_same(x, kernel=size, stride=stride, value=-torch.inf if largest else 0.0)
    else:
        padded = x
    if largest:
        return F.max_pool1d(padded, size, stride)
    mean = F.avg_pool1d(padded, size, stride)
    if padded is x:
        return mean
    ones = pad_same(torch.ones_like(x[:1, :1]), kernel=size, stride=stride)
    return mean / F.avg_pool1d(ones, size, stride)


def pool_all(options: Options, x: Tensor) -> Tensor:
    """Pool all positions."""
    if options["kind"] == "max":
        return x.amax(2, keepdim=options["keepdims"])
    return x.mean(2, keepdim=options["keepdims"])


MERGED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Add": lambda a, b: a + b,
    "Average": lambda a, b: a + b,
    "Subtract": lambda a, b: a - b,
    "Multiply": lambda a, b: a * b,
    "Maximum": torch.maximum,
    "Minimum": torch.minimum,
}
"""Class -> function of two values."""


def merge(options: Options, *values: Tensor) -> Tensor:
    """Combine values one by one; sizes of 1 are repeated."""
    merged = reduce(MERGED[options["kind"]], values)
    return merged / len(values) if options["kind"] == "Average" else merged


def concatenate(options: Options, *values: Tensor) -> Tensor:
    """Join along an axis of Keras' shape: the length, or the channels."""
    return torch.cat(values, 2 if values[0].ndim == 3 and options["axis"] == 0 else 1)


def crop(options: Options, x: Tensor) -> Tensor:
    """Drop positions at both ends."""
    return x[:, :, options["left"] : x.shape[2] - options["right"]]


def pad(options: Options, x: Tensor) -> Tensor:
    """Add zeros at both ends."""
    return F.pad(x, (options["left"], options["right"]))


def upsample(options: Options, x: Tensor) -> Tensor:
    """Repeat each position."""
    return x.repeat_interleave(options["size"], 2)


def repeat(options: Options, x: Tensor) -> Tensor:
    """Features (N, C) -> the same at each position (N, C, count)."""
    return x[:, :, None].expand(-1, -1, options["count"])


def to_keras(x: Tensor) -> Tensor:
    """The axes as in Keras."""
    return x.transpose(1, 2) if x.ndim == 3 else x


def flatten(options: Options, x: Tensor) -> Tensor:
    """All values as features, position after position."""
    return to_keras(x).flatten(1)


def reshape(options: Options, x: Tensor) -> Tensor:
    """Another shape for the values in Keras' order."""
    return to_keras(to_keras(x).reshape(len(x), *options["shape"]))


def permute(options: Options, x: Tensor) -> Tensor:
    """Positions become channels, and channels positions."""
    return x.transpose(1, 2) if options["swap"] else x


FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "MaxPooling1D": pool,
    "AveragePooling1D": pool,
    "GlobalMaxPooling1D": pool_all,
    "GlobalAveragePooling1D": pool_all,
    "Concatenate": concatenate,
    "Cropping1D": crop,
    "ZeroPadding1D": pad,
    "UpSampling1D": upsample,
    "RepeatVector": repeat,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    **dict.fromkeys(MERGES, merge),
    **dict.fromkeys(IDENTITIES, lambda options, x: x),
}
"""Class -> function of its options and inputs."""
