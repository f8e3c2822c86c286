"""ExplaiNN's trunk: independent units of one filter each (Novakovsky et al. 2023).

10.1186/s13059-023-02985-y. gReLU's classes of these names cannot run; this follows the paper.
"""

from einops import rearrange
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.layers import Activation, Dropout, Norm

__all__ = ["ExplaiNNConvBlock", "ExplaiNNTrunk"]

POOL, HIDDEN = 7, 100


class ExplaiNNConvBlock(nn.Module):
    """Grouped convolution, batch norm, activation, dropout and pooling, flattened to one position.

    (N, in_channels, L) -> (N, out_channels * positions, 1): a channel's positions lie together.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, groups : int
        Of the convolution, which is not padded.
    act_func : str
    dropout : float
    pool_size : int, optional
        Positions pooled into one by their maximum.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        groups: int,
        act_func: str,
        dropout: float,
        dtype=None,
        device=None,
        pool_size: int = 1,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, groups=groups, **factory)
        self.norm = Norm("batch", out_channels, **factory)
        self.act = Activation(act_func)
        self.dropout = Dropout(dropout)
        self.pool = nn.MaxPool1d(pool_size) if pool_size > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.dropout(self.act(self.norm(self.conv(x)))))
        return rearrange(x, "n c l -> n (c l) 1")


class ExplaiNNTrunk(nn.Module):
    """One-hot bases (N, 4, in_len) -> one number a unit (N, channels, 1).

    A unit is a filter with exponential activation, pooled by 7, then dense layers of 100 and 1.
    The groups of the convolutions keep units apart; the first needs none, as every unit reads the
    same bases.

    Parameters
    ----------
    in_len : int
        Base pairs of a sequence.
    channels : int
        Units.
    kernel_size : int
        Width of a unit's filter.
    """

    def __init__(
        self, in_len: int, channels: int = 300, kernel_size: int = 19, dtype=None, device=None
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        positions = (in_len - kernel_size + 1) // POOL
        if positions < 1:
            raise ModelError(
                f"in_len {in_len} is too short for filters of {kernel_size} bp pooled by {POOL}: "
                f"it must be at least {kernel_size + POOL - 1}"
            )
        first = ExplaiNNConvBlock(
            4, channels, kernel_size, 1, "exp", 0.0, pool_size=POOL, **factory
        )
        hidden, width = HIDDEN * channels, positions * channels
        self.blocks = nn.ModuleList(
            [
                first,
                ExplaiNNConvBlock(width, hidden, 1, channels, "relu", 0.3, **factory),
                ExplaiNNConvBlock(hidden, channels, 1, channels, "relu", 0.0, **factory),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x
