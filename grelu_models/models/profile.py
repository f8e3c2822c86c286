"""Models that predict a window's profile and its counts, and the tracks made of both."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from grelu_models.errors import ModelError
from grelu_models.layers.types import Layer

__all__ = ["COUNTS", "OUTPUTS", "CountScale", "Output", "ProfileModel", "check_window"]

Output = Literal["signal", "profile", "logits", "counts"]
CountScale = Literal["exp", "expm1"]

OUTPUTS: tuple[Output, ...] = get_args(Output)
COUNTS: tuple[CountScale, ...] = get_args(CountScale)


class ProfileModel(Layer):
    """Base of models with a profile head and a counts head: (N, 4, L) -> (N, tracks, positions).

    Parameters
    ----------
    output : str
        "signal" is the profile times the counts. "profile" is the softmax of the logits over all
        positions and strands of a window. "logits" are those of the profile. "counts" is one value
        per window, the log counts. Default is "signal".
    counts : str
        How `signal` makes counts of log counts: "exp" or "expm1" (exp - 1). Default is "exp".
    """

    def __init__(self, *, output: Output = "signal", counts: CountScale = "exp") -> None:
        super().__init__()
        self.output, self.counts = output, counts

    def predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Profile logits (N, strands, positions) and log counts (N, 1) of bases (N, 4, L)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        logits, log_counts = self.predict(x)
        if self.output == "logits":
            return logits
        if self.output == "counts":
            return log_counts[..., None]
        profile = torch.softmax(logits.flatten(1), dim=1).view_as(logits)
        if self.output == "profile":
            return profile
        counts = torch.exp(log_counts) if self.counts == "exp" else torch.expm1(log_counts)
        return profile * counts[..., None]


def check_window(length: int, trim: int) -> None:
    """Refuse windows of which trimming leaves nothing.

    Raises
    ------
    ModelError
        The message states the shortest window.
    """
    if length <= 2 * trim:
        raise ModelError(
            f"a window of {length:,} bp is too short: the model trims {trim:,} bp at each end, "
            f"so model.window must be at least {2 * trim + 1:,}"
        )
