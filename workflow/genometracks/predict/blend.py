"""Blending of neighbouring windows over the bins around their border, which both predict.

The result does not depend on sharding: a shard also computes the batch before it and the one after
it.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from genometracks.plan.plan import Plan
from genometracks.predict.batches import Batch, align_windows


def blend_windows(
    plan: Plan, predicted: Iterator[tuple[Batch, Tensor]]
) -> Iterator[tuple[Batch, Tensor]]:
    """Cut the outputs of windows to the bins that they own, blended if the plan requires it.

    Over the 2 x blend bins around the border of neighbours, the weight of the left window decreases
    in equal steps from 1 - 1/(4 x blend) to 1/(4 x blend), and that of the right window increases.

    Parameters
    ----------
    plan : Plan
    predicted : iterator of (Batch, float32 tensor (windows, tracks, length))
        In order. Only the first and the last batch may belong to neighbouring shards.

    Yields
    ------
    Batch, float32 tensor (windows, tracks, owned)
        For the shard's own batches; if windows are blended, one batch late.
    """
    held: tuple[Batch, Tensor] | None = None
    for batch, outputs in predicted:
        values = align_windows(plan, outputs, batch.runs)
        if not plan.geometry.blend:
            yield batch, values
            continue
        for first, last in _list_neighbours(plan, batch):
            _blend_pair(plan, values[first : last - 1], values[first + 1 : last])
        if held:
            if plan.adjoins(batch.first):
                _blend_pair(plan, held[1][-1], values[0])
            yield from _cut(plan, held)
        held = batch, values
    if held:
        yield from _cut(plan, held)


def _list_neighbours(plan: Plan, batch: Batch) -> Iterator[tuple[int, int]]:
    """Runs of windows [first, last) of a batch that are neighbours."""
    done = 0
    for _, begin, end in plan.window_runs(batch.first, batch.last):
        yield done, done + end - begin
        done += end - begin


def _blend_pair(plan: Plan, left: Tensor, right: Tensor) -> None:
    """Blend windows (..., blend + owned + blend) with their right neighbours, in place."""
    blend, owned = plan.geometry.blend, plan.geometry.owned
    steps = torch.arange(2 * blend, device=left.device, dtype=left.dtype)
    mixed = torch.lerp(left[..., owned:], right[..., : 2 * blend], (steps + 0.5) / (2 * blend))
    left[..., owned : owned + blend] = mixed[..., :blend]
    right[..., blend : 2 * blend] = mixed[..., blend:]


def _cut(plan: Plan, held: tuple[Batch, Tensor]) -> Iterator[tuple[Batch, Tensor]]:
    batch, values = held
    if batch.own:
        yield batch, values[..., plan.geometry.blend : plan.geometry.blend + plan.geometry.owned]
