"""ChromBPNet (Pampari et al. 2024, 10.1101/2024.12.25.630221): accessibility and enzyme bias."""

from __future__ import annotations

import torch
from torch import Tensor

from grelu_models.errors import ModelError
from grelu_models.models.bpnet import BPNet
from grelu_models.models.profile import CountScale, Output, ProfileModel

__all__ = ["ChromBPNet"]


class ChromBPNet(ProfileModel):
    """Two BPNets: (N, 4, L) -> (N, n_outputs, L - 2 * trim).

    The logits of both profiles are added, and so are both counts.

    Parameters
    ----------
    accessibility, bias : BPNet
        Of the same number of outputs, and with the same `trim`.
    output, counts
        See `ProfileModel`.

    Raises
    ------
    ModelError
        If the outputs of the two models cannot be added.

    Examples
    --------
    >>> deep, shallow = ({"n_filters": 8, "n_layers": n, "n_outputs": 1} for n in (8, 4))
    >>> model = ChromBPNet(accessibility=BPNet(**deep), bias=BPNet(**shallow, trim=557))
    >>> model(torch.zeros(1, 4, 2114)).shape
    torch.Size([1, 1, 1000])
    """

    def __init__(
        self,
        *,
        accessibility: BPNet,
        bias: BPNet,
        output: Output = "signal",
        counts: CountScale = "exp",
    ) -> None:
        super().__init__(output=output, counts=counts)
        outputs = accessibility.fconv.out_channels, bias.fconv.out_channels
        if outputs[0] != outputs[1]:
            raise ModelError(
                f"the accessibility model has {outputs[0]} outputs, the bias model {outputs[1]}"
            )
        if accessibility.trim != bias.trim:
            raise ModelError(
                f"the accessibility model trims {accessibility.trim:,} bp at each end, "
                f"the bias model {bias.trim:,}"
            )
        self.accessibility, self.bias = accessibility, bias

    def predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `ProfileModel`."""
        logits, log_counts = self.accessibility.predict(x)
        bias_logits, bias_log_counts = self.bias.predict(x)
        return logits + bias_logits, torch.logaddexp(log_counts, bias_log_counts)
