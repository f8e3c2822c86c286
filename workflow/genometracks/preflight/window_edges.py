"""How much a bin's value depends on where in its window it lies.

Windows of the genome are predicted twice, the second time moved by half of their output: of a bin
that both predict, one of them sees less on one side.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from genometracks.inputs.genome import Bases
from genometracks.plan.plan import Plan
from genometracks.predict.batches import encode_codes

CANDIDATES = 64


def measure_edges(
    plan: Plan,
    bases: Bases,
    forward: Callable[[Tensor], Tensor],
    *,
    count: int,
    device: torch.device,
) -> list[float] | None:
    """Difference between two predictions of a bin, by its distance to the end of a window.

    Parameters
    ----------
    plan : Plan
    bases : Bases
    forward : callable
        Windows (1, 4, window) -> values (1, tracks, bins), on the device.
    count : int
        Windows to predict twice, spread over the genome.
    device : torch.device

    Returns
    -------
    list of float or None
        Of each distance from 0 bins to about a quarter of the output: the mean absolute difference
        as a part of the track's mean absolute value, mean over the tracks. None for a model of one
        value a window, and where no contig holds a window and a half.
    """
    shift = plan.geometry.length // 2 * plan.geometry.bin
    places = choose_windows(plan, count, beyond=shift)
    if plan.geometry.length < 2 or not places:
        return None

    def predict(contig: str, start: int) -> np.ndarray:
        codes = bases.codes(contig, start, start + plan.geometry.window)
        window = encode_codes(codes, device=device)[None].float()
        return forward(window)[0].cpu().numpy()

    difference, scale = 0.0, 0.0
    for contig, start in places:
        here, moved = predict(contig, start), predict(contig, start + shift)
        difference = difference + fold_difference(here, moved)
        scale = scale + np.abs(here).mean(1) + np.abs(moved).mean(1)
    seen = scale > 0
    return (difference[seen] / (scale[seen, None] / 2)).mean(0).tolist() if seen.any() else None


def fold_difference(here: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Compare a window with the one that begins half an output, `length // 2` bins, later.

    Parameters
    ----------
    here, moved : float array (tracks, length)

    Returns
    -------
    float array (tracks, distances)
        Mean absolute difference of the two bins that lie 0, 1, ... bins from an end of one window,
        and further inside the other.
    """
    shift = here.shape[1] // 2
    both = here.shape[1] - shift
    difference = np.abs(here[:, shift:] - moved[:, :both])
    # Bin k lies k bins from the start of one window, and both - 1 - k from the end of the other.
    return ((difference + difference[:, ::-1]) / 2)[:, : -(-both // 2)]


def choose_windows(plan: Plan, count: int, *, beyond: int) -> list[tuple[str, int]]:
    """Contig and start (bp) of up to `count` windows that lie inside, with `beyond` bp after."""
    found = []
    for number in plan.spread_windows(CANDIDATES):
        contig, first, last = next(plan.window_runs(number, number + 1))
        start = int(plan.geometry.starts(first, last)[0])
        if start >= 0 and start + plan.geometry.window + beyond <= plan.lengths[contig]:
            found.append((contig, start))
    return found[:: max(1, len(found) // count)][:count]
