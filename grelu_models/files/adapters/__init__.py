"""Adapters: the weights of other packages, under the names and in the shapes of our models.

`ADAPTERS` maps a foreign `model_type` to its adapter. Describing needs no torch; converting only
renames and reshapes the tensors that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grelu_models.files.adapters import borzoi_pytorch, enformer_pytorch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ADAPTERS", "Adapter"]


@dataclass(frozen=True)
class Adapter:
    """What is known of a foreign package.

    Attributes
    ----------
    describe : callable
        The user's architecture without `model_type` -> ours, with the published sizes as defaults.
    convert : callable
        A state dict and the same options -> our state dict.
    window : int
        Base pairs that the published weights read.
    activation : str
        Of the published heads, to be applied to our models' logits.
    """

    describe: Callable[[dict], dict]
    convert: Callable[[dict[str, Tensor], dict], dict[str, Tensor]]
    window: int
    activation: str


ADAPTERS: dict[str, Adapter] = {
    package.PACKAGE: Adapter(package.describe, package.convert, package.WINDOW, package.ACTIVATION)
    for package in (borzoi_pytorch, enformer_pytorch)
}
"""By model_type."""
