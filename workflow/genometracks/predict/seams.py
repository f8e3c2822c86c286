"""Measurement of differences between neighbouring windows over the bins that both predict."""

import torch
from torch import Tensor

from genometracks.plan.plan import Plan
from genometracks.predict.batches import Batch
from genometracks.shards.sidecar import Seams

BATCHES = 64
"""Largest number of batches in the sample, evenly spread over the genome."""


class SeamMeter:
    """Sums of the differences between each window and the previous one, over a sample.

    With `trim` bins cut from each end, neighbours both predict 2 x trim bins, of which each owns
    half. A large difference there means that `trim` should be larger.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan, self._both = plan, 2 * plan.geometry.trim
        self._every = -(-plan.windows // (plan.settings.batch_size * BATCHES))
        self._bins = 0
        self._sums: Tensor | None = None
        self._last: tuple[Tensor, int] | None = None

    def add(self, batch: Batch, outputs: Tensor) -> None:
        """Add the outputs of a batch: float32 (windows, tracks, length); batches come in order."""
        before, self._last = self._last, None
        number = batch.first // self._plan.settings.batch_size
        if not self._both:
            return
        if batch.own and number % self._every == 0:
            self._compare(batch, outputs, before)
        if (number + 1) % self._every == 0:
            end = outputs[batch.windows - 1 : batch.windows, :, -self._both :].clone()
            self._last = end, batch.runs[-1][-1]

    def _compare(self, batch: Batch, outputs: Tensor, before: tuple[Tensor, int] | None) -> None:
        # Only windows that are moved by the same number of bins overlap as planned.
        if before and self._plan.adjoins(batch.first) and before[1] == batch.runs[0][-1]:
            self._sum(before[0], outputs[:1])
        done = 0
        for _, first, last, _ in batch.runs:
            windows = outputs[done : done + last - first]
            self._sum(windows[:-1, :, -self._both :], windows[1:])
            done += last - first

    def _sum(self, left: Tensor, right: Tensor) -> None:
        """Add pairs: the last bins of the left windows, and the right windows themselves."""
        right = right[..., : self._both]
        parts = [(left - right).abs(), (left.abs() + right.abs()) / 2]
        sums = torch.stack([part.sum(dim=(0, 2), dtype=torch.float64) for part in parts])
        self._sums = sums if self._sums is None else self._sums + sums
        self._bins += len(left) * self._both

    def measured(self) -> Seams | None:
        """Means over the bins that were compared; None if there are none."""
        if self._sums is None or not self._bins:
            return None
        difference, scale = (self._sums / self._bins).float().tolist()
        return Seams(self._bins, difference, scale)
