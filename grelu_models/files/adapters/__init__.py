"""Adapters: weights of other packages, converted to the names and shapes of our models.

`ADAPTERS` maps the `model_type` of another package to its adapter. A description needs no torch; a
conversion only renames and reshapes tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grelu_models.files.adapters import borzoi_pytorch, enformer_pytorch
from grelu_models.files.adapters.layout import Options
from grelu_models.files.metadata import Architecture

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ADAPTERS", "Adapter"]


@dataclass(frozen=True)
class Adapter:
    """Conversion of the models of another package to ours.

    Attributes
    ----------
    describe : callable
        Options -> the architecture for `build_model`. Defaults are the published sizes.
    convert : callable
        A state dict and the same options -> our state dict.
    window : int
        Base pairs of a window of the published models.
    activation : str
        Activation of the published heads, to be applied to the logits of our models.
    """

    describe: Callable[[Options], Architecture]
    convert: Callable[[dict[str, Tensor], Options], dict[str, Tensor]]
    window: int
    activation: str


ADAPTERS: dict[str, Adapter] = {
    package.PACKAGE: Adapter(package.describe, package.convert, package.WINDOW, package.ACTIVATION)
    for package in (borzoi_pytorch, enformer_pytorch)
}
"""By `model_type`."""
