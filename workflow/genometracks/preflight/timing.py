"""Time of a forward pass."""

import time

import torch
from torch import Tensor

from genometracks.predict.forward import Forward

SLOW = 5.0
"""Seconds of a pass that is not repeated, nor tried with a larger batch."""


def time_best(forward: Forward, batch: Tensor, device: torch.device) -> float:
    """Time a forward pass in seconds: the faster of two, or the first if it is slow."""
    first = _time(forward, batch, device)
    return first if first > SLOW else min(first, _time(forward, batch, device))


def _time(forward: Forward, batch: Tensor, device: torch.device) -> float:
    start = time.perf_counter()
    forward(batch)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
