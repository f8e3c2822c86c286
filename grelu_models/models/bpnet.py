"""BPNet (Avsec et al. 2021, 10.1038/s41588-021-00782-6), with the tensor names of bpnet-lite."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from grelu_models.errors import ModelError
from grelu_models.models.profile import CountScale, Output, ProfileModel, check_window

__all__ = ["BPNet"]


class BPNet(ProfileModel):
    """BPNet without control tracks: (N, 4, L) -> (N, n_outputs, L - 2 * trim).

    1. A convolution and ReLU.
    2. Residual convolutions of width 3 with dilation 2, 4, 8, ...: the ReLU of each is added to its
       input. In basepairmodels, each convolves the ReLU of its input instead, and a ReLU follows
       the last.
    3. The profile: a wide convolution, whose output is trimmed at both ends.
    4. The log counts: a dense layer of the mean over positions.

    Only positions that an output depends on are computed: a convolution is padded where its output
    would otherwise be too short, and its input is cropped where more positions are not needed.

    Parameters
    ----------
    n_filters, n_layers, n_outputs : int
    trim : int, optional
        Base pairs without output at each end of a window. Default is None: all that depend on the
        padding of convolutions.
    counts_margin : int, optional
        Positions at each end that the mean for the counts leaves out. Default is None: `trim` less
        half a profile convolution.
    first_kernel, profile_kernel : int
        Widths, which must be odd. Default is 21 and 75.
    activate_first : bool
        The residual convolutions of basepairmodels. Default is False.
    profile_bias, counts_bias : bool
        Whether the heads have biases. Default is True.
    output, counts
        See `ProfileModel`.

    Raises
    ------
    ModelError
        In `forward`, if the window is too short.

    Examples
    --------
    >>> import torch
    >>> BPNet(n_filters=8, n_layers=8, n_outputs=2)(torch.zeros(1, 4, 2114)).shape
    torch.Size([1, 2, 1000])
    """

    def __init__(
        self,
        *,
        n_filters: int,
        n_layers: int,
        n_outputs: int,
        trim: int | None = None,
        counts_margin: int | None = None,
        first_kernel: int = 21,
        profile_kernel: int = 75,
        activate_first: bool = False,
        profile_bias: bool = True,
        counts_bias: bool = True,
        output: Output = "signal",
        counts: CountScale = "exp",
    ) -> None:
        super().__init__(output=output, counts=counts)
        if first_kernel % 2 == 0 or profile_kernel % 2 == 0:
            raise ModelError(f"BPNet needs kernels of odd width: {first_kernel}, {profile_kernel}")
        first, last = first_kernel // 2, profile_kernel // 2
        dilations = [2**i for i in range(1, n_layers + 1)]
        self.trim = first + sum(dilations) + last if trim is None else trim
        self.counts_margin = max(self.trim - last, 0) if counts_margin is None else counts_margin
        self.activate_first = activate_first
        # Positions at each end of the window that the last residual convolution need not give.
        self._margin = max(min(self.counts_margin, self.trim - last), 0)
        margin, paddings = self._margin, []
        for reach in [*reversed(dilations), first]:
            before = max(margin - reach, 0)
            paddings.append(reach - (margin - before))
            margin = before
        self._unread = margin
        *residual, padding = paddings
        self.iconv = nn.Conv1d(4, n_filters, first_kernel, padding=padding)
        paired = list(zip(dilations, reversed(residual), strict=True))
        self.rconvs = nn.ModuleList(
            nn.Conv1d(n_filters, n_filters, 3, dilation=dilation, padding=padding)
            for dilation, padding in paired
        )
        self._crops = [dilation - padding for dilation, padding in paired]
        self.fconv = nn.Conv1d(
            n_filters,
            n_outputs,
            profile_kernel,
            padding=max(last - self.trim, 0),
            bias=profile_bias,
        )
        self.linear = nn.Linear(n_filters, 1, bias=counts_bias)

    def predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `ProfileModel`."""
        check_window(x.shape[-1], self.trim)
        x = self._embed(crop(x, self._unread))
        reach = self.fconv.kernel_size[0] // 2
        logits = self.fconv(crop(x, max(self.trim - reach, 0) - self._margin))
        mean = crop(x, self.counts_margin - self._margin).mean(2, dtype=self.linear.weight.dtype)
        # A sum, which autocast computes in fp32, unlike a linear layer.
        log_counts = (mean * self.linear.weight).sum(1, keepdim=True)
        if self.linear.bias is not None:
            log_counts = log_counts + self.linear.bias
        return logits, log_counts

    def _embed(self, x: Tensor) -> Tensor:
        """Bases -> the output of the last residual convolution."""
        x = self.iconv(x)
        if not self.activate_first:
            x = functional.relu(x, inplace=True)
        for conv, positions in zip(self.rconvs, self._crops, strict=True):
            if self.activate_first:
                step = conv(functional.relu(x))
            else:
                step = functional.relu(conv(x), inplace=True)
            x = crop(x, positions) + step
        return functional.relu(x, inplace=True) if self.activate_first else x


def crop(x: Tensor, positions: int) -> Tensor:
    """Drop positions at both ends of (N, C, L)."""
    return x[..., positions : x.shape[-1] - positions] if positions else x
