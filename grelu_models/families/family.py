"""What a model family is: how its models are described and loaded. Needs no torch.

Ours and those of other packages are the same record. `docs/families.md` walks through one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from grelu_models.errors import ModelError
from grelu_models.files.architecture import Check
from grelu_models.files.limits import show
from grelu_models.files.metadata import UNSTATED, Track, Unstated
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Family", "Options", "Statement", "check_options"]

Options = dict[str, Any]
"""`model.architecture` without `model_type`."""


@dataclass(frozen=True)
class Statement:
    """What a family states about a model. Its geometry is measured, never stated.

    Attributes
    ----------
    window : int or None
        Base pairs of the windows of its training. Default is None: not known.
    activation : str or None
        Function to apply to the model's output: a key of `card.ACTIVATIONS`. Default: not stated.
    tracks : list of dict or None
        `name` and any further columns of each channel, in order. The column `strand_pair` holds the
        channel of the other strand. Default is None: they have no names.
    count : int or None
        Number of channels, if `tracks` is None. Default is None: not known.
    refusal : str or None
        Why averaging over strands is refused. Default is None: positions of the reverse complement
        are flipped, and channels with a `strand_pair` take the value of their partner.
    scale : str or None
        Scale of the output in words, e.g. "probability". Default is None: not known.
    longer_windows : bool or None
        Whether windows of other lengths than those of the training give the same values, where no
        padding is read. Default is None: not known.
    licence : str or None
        Licence of the weights, where known. Default is None.
    citation : str or None
        Paper to cite for the model, as "Authors year, doi:...", where known. Default is None.
    layout : "NCL" or "NLC"
        Layout of the loaded module's input and output: (N, 4, bases) -> (N, tracks, bins), or
        (N, bases, 4) -> (N, bins, tracks). Default is "NCL".
    notes : tuple of str
        Warnings about the output. Default is ().
    """

    window: int | None = None
    activation: str | None | Unstated = UNSTATED
    tracks: list[Track] | None = None
    count: int | None = None
    refusal: str | None = None
    scale: str | None = None
    longer_windows: bool | None = None
    licence: str | None = None
    citation: str | None = None
    layout: Literal["NCL", "NLC"] = "NCL"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """A family of models, registered under its `model_type`.

    Attributes
    ----------
    name : str
        The `model_type`.
    state : callable
        (weights file, options) -> `Statement`. Must not import torch: workflows list tracks by it.
    load : callable
        (weights file, options) -> the model in eval mode on the CPU, with the weights of the file.
    limits : mapping or None
        Option -> what it may be: in words, and as a function. Default is None: `state` and `load`
        check the options.
    """

    name: str
    state: Callable[[WeightsFile, Options], Statement]
    load: Callable[[WeightsFile, Options], nn.Module]
    limits: Mapping[str, tuple[str, Check]] | None = None


def check_options(family: Family, options: Options) -> None:
    """Refuse options that a family does not have, or values outside of their limits.

    Raises
    ------
    ModelError
        The message names the option and what it may be.
    """
    if family.limits is None:
        return
    for name, value in options.items():
        if name not in family.limits:
            known = ", ".join(family.limits)
            takes = f"it takes {known}" if known else "it takes none"
            raise ModelError(f"{family.name} has no option {show(name)}: {takes}")
        wanted, check = family.limits[name]
        if not check(value):
            raise ModelError(f"{family.name}: {name} must be {wanted}, not {show(value)}")
