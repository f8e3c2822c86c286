"""SpliceAI: splice acceptors and donors of both strands, one probability a base."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.layers.types import Layer

__all__ = ["CONTEXTS", "TRACKS", "SpliceAI"]

STAGES = ((11, 1), (11, 4), (21, 10), (41, 25))
"""Kernel size and dilation of the residual units of each stage."""

UNITS = 4
"""Residual units of a stage, which a skip connection follows."""

CONTEXTS = {
    sum(2 * UNITS * (kernel - 1) * dilation for kernel, dilation in STAGES[:stages]): stages
    for stages in range(1, len(STAGES) + 1)
}
"""Base pairs around a base that a model reads (80, 400, 2,000 or 10,000) -> its stages."""

TRACKS = ("acceptor+", "donor+", "acceptor-", "donor-")
"""Names of the output channels."""


class ResidualUnit(Layer):
    """Two convolutions, each after a batch norm and an activation, and the sum with their input.

    (N, C, L) -> (N, C, L - 2 * (kernel_size - 1) * dilation): positions that padding could affect
    are not computed.
    """

    def __init__(
        self, channels: int, kernel_size: int, dilation: int, *, slope: float, eps: float
    ) -> None:
        super().__init__()
        self.batchnorm1 = nn.BatchNorm1d(channels, eps=eps)
        self.batchnorm2 = nn.BatchNorm1d(channels, eps=eps)
        self.conv1 = nn.Conv1d(channels, channels, kernel_size, dilation=dilation)
        self.conv2 = nn.Conv1d(channels, channels, kernel_size, dilation=dilation)
        self.act = nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv1(self.act(self.batchnorm1(x)))
        out = self.conv2(self.act(self.batchnorm2(out)))
        return out.add_(_take_centre(x, out.shape[-1]))


class Skip(Layer):
    """Convolution of width 1: (N, C, L) -> (N, C, L)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x


class SpliceAI(Layer):
    """Splice sites of both strands: one-hot bases (N, 4, L) -> (N, tracks, L - context).

    1. A convolution of width 1 to `channels`.
    2. Residual units of dilated convolutions: four of each of up to four stages.
    3. Skip connections, from the first convolution and from the end of each stage: convolutions of
       width 1, which are summed.
    4. A convolution of width 1 to three classes (neither, acceptor, donor), and a softmax.

    The tracks are `acceptor+`, `donor+`, `acceptor-` and `donor-`. Those of the minus strand are
    predicted from the reverse complement of the window. "Neither" is not a track.

    The convolutions of the original keep the length of a window by padding with zeros, and the
    context is cropped at the end. Here, no layer pads: the same values, as the context is all that
    padding can reach, in half the time.

    Parameters
    ----------
    channels : int
        Width of all layers. Default is 32.
    context : int
        Base pairs around a base that are read, half of them on each side: 80, 400, 2,000 or 10,000
        (one to four stages). Default is 10,000.
    slope : float
        Slope of the activation below zero. Default is 0.0, a ReLU; OpenSpliceAI has 0.1.
    eps : float
        Added to the variances of batch norms. Default is 0.001; OpenSpliceAI has 0.00001.

    Raises
    ------
    ModelError
        If there is no such context; in `forward`, if the window is not longer than the context.

    Notes
    -----
    Jaganathan et al. 2019, 10.1016/j.cell.2018.12.015. The names of the tensors are those of
    OpenSpliceAI.

    Examples
    --------
    >>> model = SpliceAI(channels=4, context=400)
    >>> model(torch.zeros(1, 4, 1000)).shape
    torch.Size([1, 4, 600])
    """

    def __init__(
        self,
        channels: int = 32,
        context: int = 10_000,
        slope: float = 0.0,
        eps: float = 0.001,
    ) -> None:
        super().__init__()
        if context not in CONTEXTS:
            known = ", ".join(f"{each:,}" for each in CONTEXTS)
            raise ModelError(f"SpliceAI has no context of {context} bp: use one of {known}")
        self.context = context
        self.tracks = list(range(len(TRACKS)))
        self.initial_conv = nn.Conv1d(4, channels, 1)
        self.initial_skip = Skip(channels)
        self.residual_units = nn.ModuleList()
        for kernel_size, dilation in STAGES[: CONTEXTS[context]]:
            for _ in range(UNITS):
                unit = ResidualUnit(channels, kernel_size, dilation, slope=slope, eps=eps)
                self.residual_units.append(unit)
            self.residual_units.append(Skip(channels))
        self.final_conv = nn.Conv1d(channels, 3, 1)

    def keep_tracks(self, tracks: Sequence[int]) -> None:
        """Predict only these of the present channels from now on, in this order.

        A strand without a track is not computed.

        Raises
        ------
        ModelError
            If a track does not exist, or none is selected.
        """
        missing = [track for track in tracks if not 0 <= track < len(self.tracks)]
        if missing or not tracks:
            wrong = f"track {missing[0]} does not exist" if missing else "no track is selected"
            raise ModelError(f"{wrong}: the model has tracks 0 to {len(self.tracks) - 1}")
        self.tracks = [self.tracks[track] for track in tracks]

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] <= self.context:
            raise ModelError(
                f"a window of {x.shape[-1]:,} bp has no base with {self.context // 2:,} bp of "
                f"context on both sides: use more than {self.context:,} bp"
            )
        found: dict[int, Tensor] = {}
        if any(track < 2 for track in self.tracks):
            found[0] = self.predict_strand(x)
        if any(track >= 2 for track in self.tracks):
            found[1] = self.predict_strand(x.flip(1, 2)).flip(2)  # A, C, G, T -> T, G, C, A
        kept = [found[track // 2][:, 1 + track % 2] for track in self.tracks]
        return torch.stack(kept, dim=1)

    def predict_strand(self, x: Tensor) -> Tensor:
        """Predict neither, acceptor and donor of the strand that is given: (N, 3, L - context)."""
        length = x.shape[-1] - self.context
        x = self.initial_conv(x)
        total = self.initial_skip(_take_centre(x, length))
        for layer in self.residual_units:
            if isinstance(layer, Skip):
                total = total + layer(_take_centre(x, length))
            else:
                x = layer(x)
        return torch.softmax(self.final_conv(total), dim=1)


def _take_centre(x: Tensor, length: int) -> Tensor:
    start = (x.shape[-1] - length) // 2
    return x[..., start : start + length]
