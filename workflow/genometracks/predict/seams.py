"""Measurement of differences between neighbouring windows at the border of what each keeps."""

import torch
from torch import Tensor

from genometracks.plan.plan import Plan
from genometracks.predict.batches import Batch
from genometracks.shards.sidecar import Seams

BATCHES = 64
"""Largest number of batches in the sample, evenly spread over the genome."""

Edge = tuple[str, int, Tensor]
"""Contig, number of the window after a border, and what the window before predicts around it."""


class SeamMeter:
    """Sums of the differences between each window and the previous one, over a sample.

    Compared are the bins in which a reader sees a border: the last bin that the left window owns
    and the first one that the right window owns, or else all bins that are blended there. With
    `trim`, both windows predict them. A large difference is a step in the track. Without `trim`,
    no bin at a border is predicted twice, and nothing is measured.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._reach = max(plan.geometry.blend, 1)  # bins on each side of a border
        self._every = -(-plan.windows // (plan.settings.batch_size * BATCHES))
        self._bins = 0
        self._sums: Tensor | None = None
        self._last: Edge | None = None

    def add(self, batch: Batch, outputs: Tensor) -> None:
        """Add the outputs of a batch: float32 (windows, tracks, length); batches come in order."""
        before, self._last = self._last, None
        number = batch.first // self._plan.settings.batch_size
        if not self._plan.geometry.trim:
            return
        if batch.own and number % self._every == 0:
            self._compare(batch, outputs, before)
        if (number + 1) % self._every == 0:
            contig, _, last, shift = batch.runs[-1]
            end = self._cut_end(outputs[batch.windows - 1 : batch.windows], shift)
            self._last = contig, last, end.clone()

    def _compare(self, batch: Batch, outputs: Tensor, before: Edge | None) -> None:
        """Add the windows of a batch that follow their neighbours; `before` is the last one's."""
        done = 0
        for contig, first, last, shift in batch.runs:
            windows = outputs[done : done + last - first]
            starts, ends = self._cut_start(windows, shift), self._cut_end(windows, shift)
            if before and before[:2] == (contig, first):
                self._sum(before[2], starts[:1])
            self._sum(ends[:-1], starts[1:])
            before = contig, last, ends[-1:]
            done += last - first

    def _cut_start(self, windows: Tensor, shift: int) -> Tensor:
        """The bins around the border before each window, which is moved by `shift` bins."""
        return self._cut(windows, self._plan.geometry.trim - shift)

    def _cut_end(self, windows: Tensor, shift: int) -> Tensor:
        """The bins around the border after each window."""
        return self._cut(windows, self._plan.geometry.trim + self._plan.geometry.owned - shift)

    def _cut(self, windows: Tensor, border: int) -> Tensor:
        """The bins on both sides of a border; none if the windows do not predict all of them."""
        first, last = border - self._reach, border + self._reach
        inside = first >= 0 and last <= windows.shape[-1]
        return windows[..., first:last] if inside else windows[..., :0]

    def _sum(self, left: Tensor, right: Tensor) -> None:
        """Add pairs of windows (n, tracks, bins) that overlap in these bins."""
        if not (left.numel() and right.numel()):
            return
        parts = [(left - right).abs(), (left.abs() + right.abs()) / 2]
        sums = torch.stack([part.sum(dim=(0, 2), dtype=torch.float64) for part in parts])
        self._sums = sums if self._sums is None else self._sums + sums
        self._bins += left.shape[0] * left.shape[2]

    def measured(self) -> Seams | None:
        """Means over the bins that were compared; None if there are none."""
        if self._sums is None or not self._bins:
            return None
        difference, scale = (self._sums / self._bins).float().tolist()
        return Seams(self._bins, difference, scale)
