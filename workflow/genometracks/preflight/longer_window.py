"""Choice of a longer window that gives the same values, at a lower cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from genometracks.inputs.model import ModelFile
from genometracks.plan.probe_file import ChosenWindow
from genometracks.preflight.window_length import choose_multiple, count_edge_bins
from grelu_models.card import measure_geometry
from grelu_models.errors import ModelError
from grelu_models.geometry import Geometry

EQUAL = 1e-5
"""Difference, as a fraction of the largest value, up to which values count as equal."""


@dataclass(frozen=True)
class WindowChoice:
    """The geometry to use, and why."""

    geometry: Geometry
    window: ChosenWindow


def lengthen_window(
    folds: Sequence[nn.Module], model: ModelFile, *, trim: int, lengths: Iterable[int]
) -> WindowChoice:
    """Choose the window with the lowest cost that gives the same values as the model's own.

    Parameters
    ----------
    folds : sequence of nn.Module
        As loaded, on the CPU.
    model : ModelFile
    trim : int
        Bins at each end of the output that a window does not own.
    lengths : iterable of int
        Lengths of the contigs in bp.
    """
    measured = model.geometry
    edge = count_edge_bins(measured, model.flanks)

    def keep(why: str) -> WindowChoice:
        return WindowChoice(measured, ChosenWindow(edge, why))

    if edge is None:
        return keep("every value depends on the whole window")
    if edge > trim:
        return keep(
            f"{edge} bins at each end read beyond the window: prediction.trim: {edge} allows more"
        )
    multiple = choose_multiple(measured, trim=trim, lengths=lengths)
    if multiple == 1:
        return keep("a longer one saves nothing on these contigs")
    try:
        longer = measure_geometry(folds[0], multiple * measured.window, bin=measured.bin)
    except ModelError:  # e.g. a program that was exported for one length
        return keep("the model does not take a longer one")
    if not all(_agree(fold, measured, longer, trim=trim) for fold in folds):
        return keep("a longer one gives other values")
    return WindowChoice(longer, ChosenWindow(edge, f"{multiple} times the model's own"))


@torch.inference_mode()
def _agree(model: nn.Module, short: Geometry, long: Geometry, *, trim: int) -> bool:
    """Whether both windows give the same values for random bases, except in trimmed bins.

    Short windows at both ends and in the middle of the long one are compared.
    """
    assert short.bin is not None
    codes = torch.randint(4, (long.window,), generator=torch.Generator().manual_seed(0))
    bases = nn.functional.one_hot(codes, 4).T.float()
    whole = model(bases[None])[0][:, trim : long.length - trim]
    owned = short.length - 2 * trim
    step = owned * short.bin
    last = whole.shape[1] // owned - 1
    for i in sorted({0, last // 2, last}):
        part = bases[:, i * step : i * step + short.window]
        found = model(part[None])[0][:, trim : trim + owned]
        expected = whole[:, i * owned : (i + 1) * owned]
        if (found - expected).abs().max() > EQUAL * whole.abs().max():
            return False
    return True
