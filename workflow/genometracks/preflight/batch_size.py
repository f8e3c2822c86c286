"""Choice of the batch size: batches of growing size are timed on the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genometracks.common.memory import read_peak
from genometracks.plan.probe_file import TriedBatch
from genometracks.predict.forward import Forward
from genometracks.preflight.timing import SLOW, time_best

BATCHES = tuple(1 << i for i in range(9))
"""Batch sizes to try."""

ROOM = 2 << 30
"""Bytes that a batch may take on a CPU, on which several jobs may run at once."""


@dataclass(frozen=True)
class BatchChoice:
    """The batch size to use, and those that were tried."""

    batch_size: int
    tried: tuple[TriedBatch, ...]

    @property
    def seconds(self) -> float | None:
        """Seconds per window with that batch size; None if no batch was completed."""
        return next((row.seconds for row in self.tried if row.batch_size == self.batch_size), None)


def fill_batch(windows: Tensor, size: int) -> Tensor:
    """Repeat windows (N, 4, window) until there are `size`."""
    return windows.repeat(-(-size // len(windows)), 1, 1)[:size]


def choose_batch(forward: Forward, windows: Tensor, device: torch.device) -> BatchChoice:
    """Choose the smallest batch within 5% of the best rate, as far as time and memory allow.

    Parameters
    ----------
    forward : Forward
    windows : float32 tensor (N, 4, window)
        Repeated to fill the batches.
    device : torch.device
    """
    before = _start_bytes(device)
    tried: list[TriedBatch] = []
    for size in BATCHES:
        seconds = time_best(forward, fill_batch(windows, size), device)
        if forward.part is not None:  # it did not fit
            forward.part = None
            break
        taken = max(0, _peak_bytes(device) - before)
        tried.append(TriedBatch(size, seconds / size, taken))
        if seconds > SLOW or 2 * taken > _room(device) or _stalls(tried):
            break
    if not tried:
        return BatchChoice(1, ())
    best = min(row.seconds for row in tried)
    chosen = next(row.batch_size for row in tried if row.seconds <= best / 0.95)
    return BatchChoice(chosen, tuple(tried))


def _stalls(tried: Sequence[TriedBatch]) -> bool:
    """Whether the last two doublings of the batch improved the rate by less than 2%."""
    times = [row.seconds for row in tried]
    return len(times) > 2 and min(times[-2:]) > 0.98 * min(times[:-2])


def _start_bytes(device: torch.device) -> int:
    if device.type != "cuda":
        return _peak_bytes(device)
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return read_peak()


def _room(device: torch.device) -> int:
    if device.type == "cuda":
        return int(0.8 * torch.cuda.get_device_properties(device).total_memory)
    return ROOM
