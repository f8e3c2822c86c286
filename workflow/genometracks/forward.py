"""The forward pass: windows -> values, in parts that the device has memory for."""

import sys

import torch
from torch import Tensor

from genometracks.device import use_precision
from genometracks.errors import UserError
from grelu_models.card import ACTIVATIONS


class Forward:
    """A model as a function of windows: its activation applied, the asked-for tracks alone.

    Parameters
    ----------
    model : nn.Module
        (N, 4, window) -> logits (N, tracks, bins), on the device.
    device : torch.device
    activation : str or None
        A key of `ACTIVATIONS`.
    precision : str
        fp32, tf32, bf16 or fp16.
    compiled : bool
        Compile the model; where that fails, it is said once and the model runs as it is.
    tracks : list of int, optional
        Tracks to keep after the activation; all by default.

    Attributes
    ----------
    part : int or None
        Windows that are computed at once, once the device had no memory for a whole batch.
    compiled : bool
        Whether a compiled model is in use.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        device: torch.device,
        activation: str | None,
        precision: str = "fp32",
        compiled: bool = False,
        tracks: list[int] | None = None,
    ) -> None:
        self._plain, self._device, self._precision = model, device, precision
        self._activate = ACTIVATIONS[activation]
        self._tracks = None if tracks is None else torch.tensor(tracks, device=device)
        self._model = torch.compile(model, dynamic=False) if compiled else model
        self.part: int | None = None
        self.compiled = compiled

    def __call__(self, windows: Tensor) -> Tensor:
        """Predict windows (N, 4, window): float32 (N, tracks, bins), on the device.

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
                    return torch.cat([self._run(part) for part in parts])
            except RuntimeError as error:
                if not lacks_memory(error):
                    raise
                self._halve(len(windows))

    def _run(self, windows: Tensor) -> Tensor:
        outputs = self._activate(self._logits(windows).float())
        return outputs if self._tracks is None else outputs.index_select(1, self._tracks)

    def _logits(self, windows: Tensor) -> Tensor:
        if not self.compiled:
            return self._plain(windows)
        try:
            return self._model(windows)
        except Exception as error:  # whatever the compiler and its back ends raise
            if lacks_memory(error):
                raise
            reason = str(error).strip().split("\n")[0]
            _say(f"prediction.compile: not used: {type(error).__name__}: {reason}")
            self.compiled = False
            return self._plain(windows)

    def _halve(self, windows: int) -> None:
        part = self.part or windows
        if part == 1:
            raise UserError(
                f"{self._device}: no memory for a forward pass of one window: "
                "set a shorter model.window, prediction.precision: bf16, or another device"
            )
        self.part = part // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        _say(f"{self._device}: no memory for {part} windows at once: going on with {self.part}")


def lacks_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _say(what: str) -> None:
    print(f"genometracks: note: {what}", file=sys.stderr, flush=True)
