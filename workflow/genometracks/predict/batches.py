"""Batches of windows: the bases they read, their one-hot encoding, and the bins they own."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from genometracks.inputs.bases import Bases
from genometracks.plan.plan import Plan, Shard
from genometracks.predict.device import send

PlacedRun = tuple[str, int, int, int]
"""Contig, first window, last window (half-open), and bins by which the windows are moved."""


@dataclass(frozen=True)
class Batch:
    """Windows that one forward pass predicts, and the bases they read.

    Attributes
    ----------
    runs : list of (contig, first window, last window, shift)
        From `Plan.placed_runs`: the windows of a run are moved by `shift` bins.
    codes : list of uint8 array
        For each run: the bases from its first window's start to its last window's end, or the
        concatenated windows, if there are gaps between them.
    first, last : int
        Windows [first, last), numbered as in the plan.
    own : bool
        Whether the windows belong to the shard, not to a neighbour. Default is True.
    """

    runs: list[PlacedRun]
    codes: list[npt.NDArray[np.uint8]]
    first: int
    last: int
    own: bool = True

    @property
    def windows(self) -> int:
        """Number of windows."""
        return self.last - self.first


def read_batches(plan: Plan, bases: Bases, shard: Shard) -> Iterator[Batch]:
    """Yield a shard's batches, each with the bases its windows read.

    If windows are blended with those of neighbouring shards, the first and the last batch are the
    neighbours'.
    """
    size = plan.settings.batch_size
    for first in _list_firsts(plan, shard):
        last = min(first + size, plan.windows)
        runs = list(plan.placed_runs(first, last))
        codes = []
        for contig, begin, end, shift in runs:
            starts = plan.geometry.starts(begin, end) + shift * plan.geometry.bin
            codes.append(_read_windows(bases, contig, starts, window=plan.geometry.window))
        yield Batch(runs, codes, first, last, own=shard.first <= first < shard.last)


def _list_firsts(plan: Plan, shard: Shard) -> range:
    size = plan.settings.batch_size
    first, last = shard.first, shard.last
    if plan.geometry.blend and first < last:
        first -= size * plan.adjoins(first)
        last += size * plan.adjoins(last)
    return range(first, last, size)


def _read_windows(
    bases: Bases, contig: str, starts: npt.NDArray[np.int64], *, window: int
) -> npt.NDArray[np.uint8]:
    """Codes of equally spaced windows: each base once, without the bases between windows."""
    if len(starts) > 1 and starts[1] - starts[0] > window:
        return np.concatenate([bases.codes(contig, at, at + window) for at in starts.tolist()])
    return bases.codes(contig, int(starts[0]), int(starts[-1]) + window)


def encode_batch(plan: Plan, batch: Batch, *, device: torch.device) -> Tensor:
    """One-hot encode a batch on the device; the plan's last batch is padded with windows of N.

    Kernels round differently for other batch sizes: without padding, a window's values would depend
    on the number of windows.

    Returns
    -------
    float32 tensor (batch size, 4, window)
        A, C, G, T; all zeros for N and past the contig's ends.
    """
    window = plan.geometry.window
    step = min(plan.geometry.owned * plan.geometry.bin, window)
    encoded = torch.empty((plan.settings.batch_size, 4, window), device=device)
    done = 0
    for (_, begin, end, _), codes in zip(batch.runs, batch.codes, strict=True):
        windows = encode_codes(codes, device=device).unfold(1, window, step).transpose(0, 1)
        encoded[done : done + end - begin] = windows
        done += end - begin
    encoded[done:] = 0
    return encoded


def encode_codes(codes: npt.NDArray[np.uint8], *, device: torch.device) -> Tensor:
    """Base codes (n,) -> bool (4, n) on the device: A, C, G, T; all false for N."""
    letters = torch.arange(4, dtype=torch.uint8, device=device)[:, None]
    return send(torch.from_numpy(codes), device) == letters


def align_windows(plan: Plan, outputs: Tensor, runs: list[PlacedRun]) -> Tensor:
    """Outputs (windows, tracks, length) -> (windows, tracks, blend + owned + blend).

    These are the bins that a window owns, and those that are blended on each side. If a window is
    moved to the right, they are earlier in its output. A contig's last window, if moved to the
    left, may lack some at the end; they are past the contig's end, and 0 here.
    """
    geometry = plan.geometry
    size, start = geometry.owned + 2 * geometry.blend, geometry.trim - geometry.blend
    shifts = {shift for _, _, _, shift in runs}
    if len(shifts) == 1:
        return _cut_bins(outputs[: _count_windows(runs)], start - shifts.pop(), size)
    pieces, done = [], 0
    for _, first, last, shift in runs:
        pieces.append(_cut_bins(outputs[done : done + last - first], start - shift, size))
        done += last - first
    return torch.cat(pieces)


def _count_windows(runs: list[PlacedRun]) -> int:
    return sum(last - first for _, first, last, _ in runs)


def _cut_bins(outputs: Tensor, start: int, size: int) -> Tensor:
    cut = outputs[..., start : start + size]
    return cut if cut.shape[-1] == size else functional.pad(cut, (0, size - cut.shape[-1]))


def cut_owned(plan: Plan, values: Tensor, *, runs: list[PlacedRun]) -> Tensor:
    """Owned bins of windows (windows, tracks, owned) -> the bins to predict (tracks, bins)."""
    owned = plan.geometry.owned
    pieces, done = [], 0
    for contig, first, last, _ in runs:
        joined = values[done : done + last - first].transpose(0, 1).flatten(1)
        for begin, end in plan.owned_bins(contig, first, last):
            pieces.append(joined[:, begin - first * owned : end - first * owned])
        done += last - first
    return pieces[0].contiguous() if len(pieces) == 1 else torch.cat(pieces, dim=1)
