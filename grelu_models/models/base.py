"""Any trunk with any head."""

from torch import Tensor, nn

__all__ = ["BaseModel"]


class BaseModel(nn.Module):
    """Any trunk with any head.

    Parameters
    ----------
    embedding : nn.Module
        (N, 4, L) -> (N, C, positions).
    head : nn.Module
        (N, C, positions) -> (N, tasks, bins).
    """

    def __init__(self, embedding: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embedding(x))
