"""ExplaiNN (Novakovsky et al. 2023, 10.1186/s13059-023-02985-y)."""

from grelu_models.heads import ConvHead
from grelu_models.models.base import BaseModel
from grelu_models.trunks import ExplaiNNTrunk

__all__ = ["ExplaiNNModel"]


class ExplaiNNModel(BaseModel):
    """Independent convolutional units and a linear layer over them: one value a window.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    in_len, channels, kernel_size
        See `ExplaiNNTrunk`.
    """

    def __init__(
        self,
        n_tasks: int,
        in_len: int,
        channels: int = 300,
        kernel_size: int = 19,
        dtype=None,
        device=None,
    ) -> None:
        factory = {"dtype": dtype, "device": device}
        trunk = ExplaiNNTrunk(in_len, channels=channels, kernel_size=kernel_size, **factory)
        super().__init__(trunk, ConvHead(n_tasks, channels, act_func=None, **factory))
