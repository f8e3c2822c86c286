"""Forward passes: windows -> values, in parts that fit into the device's memory."""

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from genometracks.common.deviation import Deviation
from genometracks.config.sections import Precision
from genometracks.errors import UserError
from genometracks.predict.device import use_precision

Logits = Callable[[Tensor, int], Tensor]
"""(windows, index of a fold) -> logits."""

LOG = logging.getLogger(__name__)


class Forward:
    """A model, or the folds of one, as a function of windows.

    Parameters
    ----------
    folds : sequence of nn.Module
        Each (N, 4, window) -> logits (N, channels, bins), on the device.
    device : torch.device
    average : callable
        (windows, logits) -> values; a `predict.average.Average`.
    strands : int
        Sequences that `average` passes to `logits` at once per window: 2 if both strands go through
        the model together. Default is 1.
    precision : str
        "fp32", "tf32", "bf16" or "fp16". Default is "fp32".
    compiled : bool
        Whether to compile the models. If that fails, a warning is logged and they run uncompiled.
        Default is False.

    Attributes
    ----------
    part : int or None
        Number of windows computed at once, if the device had no memory for a whole batch.
    singly : bool
        Whether there was no memory for both strands of one window, which are computed in turn.
    compiled : bool
        Whether a compiled model is in use.
    """

    def __init__(
        self,
        folds: Sequence[nn.Module] | nn.ModuleList,
        *,
        device: torch.device,
        average: Callable[[Tensor, Logits], Tensor],
        strands: int = 1,
        precision: Precision = "fp32",
        compiled: bool = False,
    ) -> None:
        self._plain: list[Callable[[Tensor], Tensor]] = list(folds)
        self._device, self._precision = device, precision
        self._average, self._strands = average, strands
        self._folds: list[Callable[[Tensor], Tensor]] = [
            torch.compile(fold, dynamic=False) if compiled else fold for fold in self._plain
        ]
        self.part: int | None = None
        self.singly = False
        self.compiled = compiled

    def __call__(self, windows: Tensor) -> Tensor:
        """Predict windows (N, 4, bases): float32 (N, tracks, bins), on the device.

        Raises
        ------
        UserError
            If the device has no memory for one window.
        """
        return self._run(windows, self._precision)

    def measure_deviation(self, windows: Tensor, outputs: Tensor) -> Deviation:
        """Measure the deviation of outputs from those of fp32, for the same windows."""
        exact = self._run(windows, "fp32")
        return Deviation((outputs - exact).abs().max().item(), exact.abs().max().item())

    def _run(self, windows: Tensor, precision: Precision) -> Tensor:
        while True:
            try:
                with use_precision(precision, self._device):
                    parts = windows.split(self.part or len(windows))
                    return torch.cat([self._average(part, self._compute_logits) for part in parts])
            except RuntimeError as error:
                if not lacks_memory(error):
                    raise
                self._reduce(len(windows))

    def _compute_logits(self, windows: Tensor, fold: int) -> Tensor:
        if not self.singly:
            return self._pass(windows, fold)
        return torch.cat([self._pass(part, fold) for part in windows.split(1)])

    def _pass(self, windows: Tensor, fold: int) -> Tensor:
        if not self.compiled:
            return self._plain[fold](windows)
        try:
            return self._folds[fold](windows)
        except Exception as error:  # whatever the compiler and its back ends raise
            if lacks_memory(error):
                raise
            reason = str(error).strip().split("\n")[0]
            LOG.warning(
                "prediction.compile: not used, the model runs uncompiled, which may be slower: "
                "%s: %s",
                type(error).__name__,
                reason,
            )
            self.compiled = False
            return self._plain[fold](windows)

    def _reduce(self, windows: int) -> None:
        """Compute fewer windows at once from now on."""
        part = self.part or windows
        if part == 1 and (self.singly or self._strands == 1):
            raise UserError(
                f"{self._device}: no memory for a forward pass of one window: "
                "set a shorter model.window, prediction.precision: bf16, or another device"
            )
        if part == 1:
            self.singly, lacking, left = True, "both strands of a window", "one"
        else:
            self.part, lacking, left = part // 2, f"{part} windows", str(part // 2)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        LOG.warning(
            "%s: no memory for %s at once: continuing with %s; values change by rounding only",
            self._device,
            lacking,
            left,
        )


def lacks_memory(error: Exception) -> bool:
    """Whether an error of torch means that memory is exhausted."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
