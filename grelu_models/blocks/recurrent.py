"""Recurrent blocks."""

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from grelu_models.blocks.transformer import FeedForwardBlock
from grelu_models.layers.types import Device, Factory, Layer

__all__ = ["GRUBlock"]


class GRU(nn.GRU):
    """Recurrent units whose shapes are known without running them on the meta device.

    torch would run them step by step there, in milliseconds for each position.
    """

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Any]:
        """See `nn.GRU`; on the meta device, without a last state."""
        if input.is_meta:
            directions = 2 if self.bidirectional else 1
            return input.new_empty(*input.shape[:-1], directions * self.hidden_size), None
        return super().forward(input, hx)


class GRUBlock(Layer):
    """Bidirectional gated recurrent units (Cho et al. 2014, 10.3115/v1/D14-1179).

    (N, C, L) -> (N, C, L). The outputs of both directions are added, and a feed-forward block
    follows.

    Parameters
    ----------
    in_channels : int
        Channels C of the input and of each direction.
    n_layers : int
        Recurrent layers. Default is 1.
    dropout : float
        Dropout between recurrent layers and in the feed-forward block. Default is 0.0.
    act_func : str or None
        Activation in the feed-forward block. Default is "relu".
    norm : bool
        No effect, as in gReLU 1.1.0: the feed-forward block always normalises its input. Default
        is False.
    """

    def __init__(
        self,
        in_channels: int,
        n_layers: int = 1,
        dropout: float = 0.0,
        act_func: str | None = "relu",
        norm: bool = False,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ) -> None:
        super().__init__()
        factory: Factory = {"dtype": dtype, "device": device}
        self.gru = GRU(
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
