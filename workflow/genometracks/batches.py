"""Windows in batches: the bases they read, their one-hot code, and the bins they own."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genometracks.device import send
from genometracks.genome import Bases
from genometracks.plan import Plan, Shard


@dataclass(frozen=True)
class Batch:
    """Windows that one forward pass predicts, and the bases they read.

    Attributes
    ----------
    runs : list of (contig, first window, last window, shift)
        From `Plan.placed_runs`: the windows of a run are moved by `shift` bins.
    codes : list of uint8 array
        Of each run: the stretch from its first window's start to its last window's end, or, where
        windows lie apart, the windows one behind the other.
    last : int
        Number, in the plan, of the window after the last one.
    windows : int
    """

    runs: list[tuple[str, int, int, int]]
    codes: list[np.ndarray]
    last: int
    windows: int


def read_batches(plan: Plan, bases: Bases, shard: Shard) -> Iterator[Batch]:
    """Yield a shard's batches, each with the bases its windows read."""
    size = plan.settings["batch_size"]
    for first in range(shard.first, shard.last, size):
        last = min(first + size, shard.last)
        runs = list(plan.placed_runs(first, last))
        codes = []
        for contig, begin, end, shift in runs:
            starts = plan.geometry.starts(begin, end) + shift * plan.geometry.bin
            codes.append(_read_windows(bases, contig, starts, window=plan.geometry.window))
        yield Batch(runs, codes, last, last - first)


def _read_windows(bases: Bases, contig: str, starts: np.ndarray, *, window: int) -> np.ndarray:
    """Codes of equally spaced windows: each base once, and none that lies between windows."""
    if len(starts) > 1 and starts[1] - starts[0] > window:
        return np.concatenate([bases.codes(contig, at, at + window) for at in starts.tolist()])
    return bases.codes(contig, int(starts[0]), int(starts[-1]) + window)


def encode_batch(plan: Plan, batch: Batch, *, device: torch.device) -> Tensor:
    """One-hot encode a batch on the device; the genome's last one is filled up with windows of N.

    Kernels round differently for another batch size, so that a window's value would depend on
    where the genome ends.

    Returns
    -------
    float32 tensor (batch size, 4, window)
        A, C, G, T; all zeros for N and past the contig's ends.
    """
    window = plan.geometry.window
    step = min(plan.geometry.owned * plan.geometry.bin, window)
    encoded = torch.zeros((plan.settings["batch_size"], 4, window), device=device)
    letters = torch.arange(4, dtype=torch.uint8, device=device)[:, None]
    done = 0
    for (_, begin, end, _), codes in zip(batch.runs, batch.codes, strict=True):
        stretch = send(torch.from_numpy(codes), device)
        windows = (stretch == letters).unfold(1, window, step).transpose(0, 1)
        encoded[done : done + end - begin] = windows
        done += end - begin
    return encoded


def cut_owned(plan: Plan, outputs: Tensor, *, runs: list[tuple[str, int, int, int]]) -> Tensor:
    """Outputs (windows, tracks, length) -> the bins the windows own (tracks, bins).

    What a window moved to the right owns begins so much earlier in its output. Moved to the left,
    the contig's last window may lack some bins at the end of the slice: the contig lacks them too.
    """
    owned = plan.geometry.owned
    pieces, done = [], 0
    for contig, first, last, shift in runs:
        begin = plan.geometry.trim - shift
        mine = outputs[done : done + last - first, :, begin : begin + owned]
        joined = mine.transpose(0, 1).flatten(1)
        for begin, end in plan.owned_bins(contig, first, last):
            pieces.append(joined[:, begin - first * owned : end - first * owned])
        done += last - first
    return pieces[0].contiguous() if len(pieces) == 1 else torch.cat(pieces, dim=1)
