"""Base class of all models."""

from torch import Tensor, nn

from grelu_models.layers.types import Layer

__all__ = ["BaseModel"]


class BaseModel(Layer):
    """Any trunk with any head: (N, 4, L) -> (N, tasks, bins).

    Parameters
    ----------
    embedding : nn.Module
        The trunk: (N, 4, L) -> (N, C, positions).
    head : nn.Module
        The head: (N, C, positions) -> (N, tasks, bins).

    Examples
    --------
    >>> import torch
    >>> from grelu_models.heads import ConvHead
    >>> from grelu_models.trunks import ConvTrunk
    >>> model = BaseModel(ConvTrunk(channel_init=8), ConvHead(n_tasks=2, in_channels=8))
    >>> model(torch.zeros(1, 4, 100)).shape
    torch.Size([1, 2, 100])
    """

    def __init__(self, embedding: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(self.embedding(x))
        return x
