"""How much neighbouring windows differ over the bins that both predict."""

import torch
from torch import Tensor

from genometracks.plan.plan import Plan
from genometracks.predict.batches import Batch

BATCHES = 64
"""At most so many batches, evenly spread over the genome, are the sample."""


class SeamMeter:
    """Sums, over a sample of a shard's windows, what each differs from the one before it.

    With `trim` bins cut off at each end, neighbours both predict 2 x trim bins, half of which each
    owns: a large difference there says that more should be cut off.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan, self._both = plan, 2 * plan.geometry.trim
        self._every = -(-plan.windows // (plan.settings["batch_size"] * BATCHES))
        self._bins, self._sums = 0, None
        self._last: tuple[Tensor, int] | None = None

    def add(self, batch: Batch, outputs: Tensor) -> None:
        """Take what a batch predicts: float32 (windows, tracks, length); batches come in order."""
        before, self._last = self._last, None
        number = batch.first // self._plan.settings["batch_size"]
        if not self._both:
            return
        if batch.own and number % self._every == 0:
            self._compare(batch, outputs, before)
        if (number + 1) % self._every == 0:
            end = outputs[batch.windows - 1 : batch.windows, :, -self._both :].clone()
            self._last = end, batch.runs[-1][-1]

    def _compare(self, batch: Batch, outputs: Tensor, before: tuple[Tensor, int] | None) -> None:
        # Only windows that are moved by equally many bins, as those of one run, overlap as planned.
        if before and self._plan.adjoins(batch.first) and before[1] == batch.runs[0][-1]:
            self._sum(before[0], outputs[:1])
        done = 0
        for _, first, last, _ in batch.runs:
            windows = outputs[done : done + last - first]
            self._sum(windows[:-1, :, -self._both :], windows[1:])
            done += last - first

    def _sum(self, left: Tensor, right: Tensor) -> None:
        """Add up pairs: bins at the left ones' ends, and the right windows themselves."""
        right = right[..., : self._both]
        parts = [(left - right).abs(), (left.abs() + right.abs()) / 2]
        sums = torch.stack([part.sum(dim=(0, 2), dtype=torch.float64) for part in parts])
        self._sums = sums if self._sums is None else self._sums + sums
        self._bins += len(left) * self._both

    def notes(self) -> dict | None:
        """Bins compared, and for each track the mean |difference| and the mean |value| there."""
        if not self._bins:
            return None
        difference, scale = (self._sums / self._bins).float().tolist()
        return {"bins": self._bins, "difference": difference, "scale": scale}
