"""Types shared by all layers: modules with a typed call, and options passed on to torch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypedDict

import torch
from torch import Tensor, nn
from torch.types import Device

__all__ = [
    "ConvExtras",
    "ConvOptions",
    "CropLength",
    "Device",
    "Factory",
    "Layer",
    "NormOptions",
    "Wrapper",
]

NormOptions = Mapping[str, float | bool | None]
"""Keyword arguments of a torch norm, such as `eps`, `momentum` or `track_running_stats`."""

CropLength = int | str
"""Positions to drop at each end, or "auto"."""


class Layer(nn.Module):
    """Module that maps one tensor to one tensor.

    It only declares the type of the call, because `nn.Module.__call__` returns `Any`.
    """

    if TYPE_CHECKING:

        def __call__(self, x: Tensor) -> Tensor: ...


class Wrapper(Layer):
    """Layer around one torch module.

    Attributes
    ----------
    layer : nn.Module
        The wrapped module. Its name is part of the state-dict keys: `norm.layer.weight`.
    """

    layer: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        return x


class Factory(TypedDict, total=False):
    """Type and device of the weights that a constructor creates, as in torch."""

    dtype: torch.dtype | None
    device: Device


class ConvExtras(TypedDict, total=False):
    """Arguments of `nn.Conv1d` that blocks pass on unchanged."""

    stride: int
    groups: int
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"]


class ConvOptions(ConvExtras, Factory, total=False):
    """Arguments of `nn.Conv1d` beyond channels, kernel size and padding."""

    dilation: int
    bias: bool
