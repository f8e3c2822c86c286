"""How much a bin's value depends on its position in the window.

Windows of the genome are predicted twice, the second time moved by half of their output. For a bin
in both outputs, one of the two windows has less context on one side.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genometracks.inputs.bases import Bases
from genometracks.plan.plan import Plan
from genometracks.predict.batches import encode_codes

CANDIDATES = 64
"""Windows of the plan from which those inside contigs are chosen."""

Array = npt.NDArray[np.floating[Any]]


def measure_edges(
    plan: Plan,
    bases: Bases,
    forward: Callable[[Tensor], Tensor],
    *,
    count: int,
    device: torch.device,
) -> list[float] | None:
    """Measure the difference between two predictions of a bin, by its distance to a window's end.

    Parameters
    ----------
    plan : Plan
    bases : Bases
    forward : callable
        Windows (1, 4, window) -> values (1, tracks, bins), on the device.
    count : int
        Largest number of windows to predict twice, spread over the genome.
    device : torch.device

    Returns
    -------
    list of float or None
        For each distance from 0 bins to about a quarter of the output: the mean absolute difference
        as a fraction of the track's mean absolute value, averaged over the tracks. None for a model
        of one value per window, or if no contig is as long as a window and a half.
    """
    shift = plan.geometry.length // 2 * plan.geometry.bin
    places = choose_windows(plan, count, beyond=shift)
    if plan.geometry.length < 2 or not places:
        return None

    def predict(contig: str, start: int) -> Array:
        codes = bases.codes(contig, start, start + plan.geometry.window)
        window = encode_codes(codes, device=device)[None].float()
        values: Array = forward(window)[0].cpu().numpy()
        return values

    difference: Array = np.zeros((1, 1), np.float32)
    scale: Array = np.zeros(1, np.float32)
    for contig, start in places:
        here, moved = predict(contig, start), predict(contig, start + shift)
        difference = difference + fold_difference(here, moved)
        scale = scale + np.abs(here).mean(1) + np.abs(moved).mean(1)
    seen = scale > 0
    if not seen.any():
        return None
    by_distance: list[float] = (difference[seen] / (scale[seen, None] / 2)).mean(0).tolist()
    return by_distance


def fold_difference(here: Array, moved: Array) -> Array:
    """Compare a window with the one that starts half an output, `length // 2` bins, later.

    Parameters
    ----------
    here, moved : float array (tracks, length)

    Returns
    -------
    float array (tracks, distances)
        Mean absolute difference of the bins that are 0, 1, ... bins from an end of one window, and
        further inside the other.
    """
    shift = here.shape[1] // 2
    both = here.shape[1] - shift
    difference = np.abs(here[:, shift:] - moved[:, :both])
    # Bin k is k bins from the start of one window, and both - 1 - k from the end of the other.
    folded: Array = ((difference + difference[:, ::-1]) / 2)[:, : -(-both // 2)]
    return folded


def choose_windows(plan: Plan, count: int, *, beyond: int) -> list[tuple[str, int]]:
    """Contig and start (bp) of up to `count` windows with `beyond` bp of contig after them."""
    found = []
    for number in plan.spread_windows(CANDIDATES):
        contig, first, last = next(plan.window_runs(number, number + 1))
        start = int(plan.geometry.starts(first, last)[0])
        if start >= 0 and start + plan.geometry.window + beyond <= plan.lengths[contig]:
            found.append((contig, start))
    return found[:: max(1, len(found) // count)][:count]
