"""Recurrent blocks."""

from einops import rearrange
from torch import Tensor, nn

from grelu_models.blocks.transformer import FeedForwardBlock

__all__ = ["GRUBlock"]


class GRUBlock(nn.Module):
    """Bidirectional gated recurrent units, both directions added, then a feed-forward block.

    (N, C, L) -> (N, C, L).

    Parameters
    ----------
    in_channels : int
        Channels C of the input and of each direction.
    n_layers : int
    dropout : float
        Between recurrent layers, and in the feed-forward block.
    act_func : str
        Of the feed-forward block.
    norm : bool
        Without effect, as in gReLU 1.1.0: the feed-forward block always norms its input.
    """

    def __init__(
        self,
        in_channels: int,
        n_layers: int = 1,
        dropout: float = 0.0,
        act_func: str | None = "relu",
        norm: bool = False,
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        self.gru = nn.GRU(
            in_channels,
            in_channels,
            num_layers=n_layers,
            dropout=dropout,
            bidirectional=True,
            batch_first=True,
            **factory,
        )
        self.ffn = FeedForwardBlock(in_channels, dropout=dropout, act_func=act_func, **factory)

    def forward(self, x: Tensor) -> Tensor:
        both, _ = self.gru(rearrange(x, "n c l -> n l c"))
        forward, backward = both.chunk(2, dim=-1)
        return rearrange(self.ffn(forward + backward), "n l c -> n c l")
