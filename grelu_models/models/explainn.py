"""ExplaiNN (Novakovsky et al. 2023, 10.1186/s13059-023-02985-y)."""

import torch

from grelu_models.heads import ConvHead
from grelu_models.layers.types import Device, Factory
from grelu_models.models.base import BaseModel
from grelu_models.trunks import ExplaiNNTrunk

__all__ = ["ExplaiNNModel"]


class ExplaiNNModel(BaseModel):
    """ExplaiNN: (N, 4, in_len) -> (N, n_tasks, 1), one value per window of fixed length.

    1. Independent units, each of one filter and dense layers: one value per unit.
    2. A linear layer over the units, whose weights are the importance of each unit for a task.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    in_len : int
        Base pairs of a window; at least `kernel_size` + 6.
    channels, kernel_size
        See `ExplaiNNTrunk`.

    Examples
    --------
    >>> import torch
    >>> model = ExplaiNNModel(n_tasks=3, in_len=50, channels=4).eval()
    >>> model(torch.zeros(2, 4, 50)).shape
    torch.Size([2, 3, 1])
    """

    def __init__(
        self,
        n_tasks: int,
        in_len: int,
        channels: int = 300,
        kernel_size: int = 19,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        factory: Factory = {"dtype": dtype, "device": device}
        trunk = ExplaiNNTrunk(in_len, channels=channels, kernel_size=kernel_size, **factory)
        super().__init__(trunk, ConvHead(n_tasks, channels, act_func=None, **factory))
