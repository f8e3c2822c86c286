"""Layouts of other modules, as seen from the pipeline."""

from torch import Tensor, nn

from grelu_models.layers.types import Layer

__all__ = ["ChannelsLast"]


class ChannelsLast(Layer):
    """A module (N, L, 4) -> (N, bins, tracks), used as (N, 4, L) -> (N, tracks, bins).

    Parameters
    ----------
    module : nn.Module

    Examples
    --------
    >>> import torch
    >>> ChannelsLast(nn.Linear(4, 3))(torch.zeros(1, 4, 100)).shape
    torch.Size([1, 3, 100])
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.module(x.transpose(1, 2))
        return out.transpose(1, 2)
