"""Forward passes: windows -> values, in parts that the device has memory for."""

import sys
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from genometracks.errors import UserError
from genometracks.predict.device import use_precision

Average = Callable[[Tensor, Callable[[Tensor, int], Tensor]], Tensor]


class Forward:
    """A model, or the folds of one, as a function of windows.

    Parameters
    ----------
    folds : sequence of nn.Module
        Each (N, 4, window) -> logits (N, channels, bins), on the device.
    device : torch.device
    average : callable
        (windows, logits) -> values, where `logits` takes windows and the number of a fold: an
        `average.Average`.
    precision : str
        fp32, tf32, bf16 or fp16.
    compiled : bool
        Compile the models; where that fails, it is said once and they run as they are.

    Attributes
    ----------
    part : int or None
        Windows that are computed at once, once the device had no memory for a whole batch.
    singly : bool
        Whether both strands of one window were too much, too, and go through a model in turn.
    compiled : bool
        Whether a compiled model is in use.
    """

    def __init__(
        self,
        folds: Sequence[torch.nn.Module],
        *,
        device: torch.device,
        average: Average,
        precision: str = "fp32",
        compiled: bool = False,
    ) -> None:
        self._plain, self._device, self._precision = list(folds), device, precision
        self._average = average
        self._folds = [torch.compile(one, dynamic=False) if compiled else one for one in folds]
        self.part: int | None = None
        self.singly, self._passed = False, 0
        self.compiled = compiled

    def __call__(self, windows: Tensor) -> Tensor:
        """Predict windows (N, 4, bases): float32 (N, tracks, bins), on the device.

        Raises
        ------
        UserError
            If the device has no memory for one window.
        """
        return self._in_parts(windows, self._precision)

    def measure_deviation(self, windows: Tensor, outputs: Tensor) -> dict[str, float]:
        """Compare outputs with those of fp32: largest difference, and fp32's largest value."""
        exact = self._in_parts(windows, "fp32")
        return {
            "largest": (outputs - exact).abs().max().item(),
            "scale": exact.abs().max().item(),
        }

    def _in_parts(self, windows: Tensor, precision: str) -> Tensor:
        while True:
            try:
                with use_precision(precision, self._device):
                    parts = windows.split(self.part or len(windows))
                    return torch.cat([self._average(part, self._logits) for part in parts])
            except RuntimeError as error:
                if not lacks_memory(error):
                    raise
                self._halve(len(windows))

    def _logits(self, windows: Tensor, fold: int) -> Tensor:
        """Logits of as many windows as the average asks for at once, or one after the other."""
        self._passed = len(windows)
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
            _say(f"prediction.compile: not used: {type(error).__name__}: {reason}")
            self.compiled = False
            return self._plain[fold](windows)

    def _halve(self, windows: int) -> None:
        part = self.part or windows
        if part == 1 and (self.singly or self._passed == 1):
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
        _say(f"{self._device}: no memory for {lacking} at once: going on with {left}")


def lacks_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _say(what: str) -> None:
    print(f"genometracks: note: {what}", file=sys.stderr, flush=True)
