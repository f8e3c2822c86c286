"""What is measured on a model: geometry, flanks and receptive field.

The layers of our own architectures are known, and so is what each of them reads (`layers`). Any
other module is measured by forward passes over one window (`influence`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

from torch import nn

from grelu_models.geometry import Geometry
from grelu_models.measure.grid import Grid, check_stated, find_grid
from grelu_models.measure.influence import Influence
from grelu_models.measure.layers import read_geometry, read_reach
from grelu_models.measure.reach import find_reach
from grelu_models.models import ARCHITECTURES, BaseModel

__all__ = [
    "Measurement",
    "measure_flanks",
    "measure_geometry",
    "measure_model",
    "measure_receptive_field",
]


@dataclass(frozen=True)
class Measurement:
    """What is measured on a model at a window length.

    Attributes
    ----------
    geometry : Geometry
    receptive_field : int
        Base pairs that can influence one output value, at most the window.
    flanks : (int, int) or None
        Base pairs left and right of an output bin that can influence its value; None if the whole
        window can, or it is not known.
    notes : tuple of str
        Warnings about the placement of the bins. Default is none.
    """

    geometry: Geometry
    receptive_field: int
    flanks: tuple[int, int] | None
    notes: tuple[str, ...] = ()


def measure_model(model: nn.Module, window: int, *, bin: int | None = None) -> Measurement:
    """Measure geometry, receptive field and flanks of a model at a window length.

    The model is measured as it is in eval mode, and left as it was. For modules that are not one
    of `ARCHITECTURES`, the flanks take forward passes of one window: 7 for bins of 1 bp, 14 for
    bins of 128 bp, 3 if every output depends on the whole window, more for outputs that repeat with
    a longer period than a bin (U-nets).

    Outputs are placed as if the model dropped the same number of bins at both ends of the window.

    Parameters
    ----------
    model : nn.Module
        One-hot bases (N, 4, window) -> (N, tracks, bins).
    window : int
        Base pairs.
    bin : int, optional
        Base pairs per bin, as the user states them: used where they cannot be measured, and
        compared where they can. Default is None.

    Raises
    ------
    ModelError
        If the window does not fit the model, its output has another shape, or its bins cannot be
        placed in the window.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(4, 8, 9, padding=4), nn.MaxPool1d(4), nn.Conv1d(8, 2, 3))
    >>> measure_model(model, 100)
    Measurement(geometry=Geometry(window=100, bin=4, crop=1, length=23, tracks=2), \
receptive_field=20, flanks=(8, 8), notes=())
    """
    if _is_ours(model):
        geometry = _read_geometry(model, window, bin)
        reach = read_reach(model, window)
        return _describe(geometry, reach)
    influence = Influence(model, window)
    grid = find_grid(influence, bin=bin)
    geometry = grid.geometry
    if geometry.bin is None:
        return _describe(geometry, None)
    found = influence.ask(lambda asked: find_reach(asked, geometry, period=grid.period))
    reach = None if found is None else (found[0], geometry.bin, found[1])
    return replace(_describe(geometry, reach), notes=tuple(_note_doubts(grid, reach)))


def measure_geometry(model: nn.Module, window: int, *, bin: int | None = None) -> Geometry:
    """Measure the output geometry of a model at a window length.

    Parameters
    ----------
    model, window, bin
        See `measure_model`.

    Raises
    ------
    ModelError
        See `measure_model`; that bins do not read the bases of their own places is found there
        only.

    Examples
    --------
    >>> from grelu_models.models import ConvModel
    >>> model = ConvModel(n_tasks=2, pool_func="max", pool_size=4, crop_len=3, final_pool_func=None)
    >>> measure_geometry(model, 100)
    Geometry(window=100, bin=4, crop=3, length=19, tracks=2)
    """
    if _is_ours(model):
        return _read_geometry(model, window, bin)
    return find_grid(Influence(model, window), bin=bin).geometry


def measure_receptive_field(model: nn.Module, window: int, *, bin: int | None = None) -> int:
    """Count the base pairs that can influence one output value, at most the whole window.

    Parameters
    ----------
    model, window, bin
        See `measure_model`.
    """
    return measure_model(model, window, bin=bin).receptive_field


def measure_flanks(
    model: nn.Module, window: int, *, bin: int | None = None
) -> tuple[int, int] | None:
    """Count the base pairs left and right of an output bin that can influence its value.

    Parameters
    ----------
    model, window, bin
        See `measure_model`.

    Returns
    -------
    (int, int) or None
        None if the whole window can, or the model gives one value per window.
    """
    return measure_model(model, window, bin=bin).flanks


def _is_ours(model: nn.Module) -> TypeGuard[BaseModel]:
    """Whether all layers of a model are known: a subclass from elsewhere may have others."""
    return type(model) in ARCHITECTURES.values()


def _read_geometry(model: BaseModel, window: int, stated: int | None) -> Geometry:
    geometry = read_geometry(model, window)
    check_stated(stated, geometry.bin, window=window)
    return geometry


def _describe(geometry: Geometry, reach: tuple[int, int, int] | None) -> Measurement:
    if reach is None:
        return Measurement(geometry, geometry.window, None)
    left, _, right = reach
    return Measurement(geometry, min(sum(reach), geometry.window), (max(left, 0), max(right, 0)))


def _note_doubts(grid: Grid, reach: tuple[int, int, int] | None) -> Iterator[str]:
    """Warn where the places of the bins follow from the shape of the output only."""
    geometry = grid.geometry
    if grid.assumed:
        yield (
            f"the size of the bins is not measured: {geometry.bin} bp is the only one with which "
            f"{geometry.length} bins are centred in a window of {geometry.window} bp"
        )
    if reach is not None and geometry.crop and abs(reach[0] - reach[2]) > reach[1]:
        yield (
            f"a bin reads {reach[0]} bp to its left and {reach[2]} bp to its right: its place is "
            f"right if the model drops as many bins ({geometry.crop}) at the start of the window "
            "as at its end"
        )
