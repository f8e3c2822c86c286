"""The card of a model: what a pipeline must know about the model.

Geometry is measured (`grelu_models.measure`), never taken from class defaults: published
checkpoints differ from them.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from grelu_models.families import Statement
from grelu_models.files.metadata import Architecture, Intervals, Track
from grelu_models.geometry import Geometry
from grelu_models.measure import measure_flanks, measure_geometry, measure_receptive_field

__all__ = [
    "ACTIVATIONS",
    "Geometry",
    "ModelCard",
    "digest_weights",
    "measure_flanks",
    "measure_geometry",
    "measure_receptive_field",
]

ACTIVATIONS: dict[str | None, Callable[[Tensor], Tensor]] = {
    None: lambda x: x,
    "exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "softplus": nn.functional.softplus,
    "softmax": lambda x: torch.softmax(x, dim=1),
}
"""Name -> final activation of logits (N, tracks, bins). Softmax is over the tracks."""


@dataclass(frozen=True)
class ModelCard:
    """Description and measurements of a loaded model.

    Attributes
    ----------
    source : str
        The weights file, or `repo@revision:file` on the hub.
    architecture : dict
        `model_type` and its constructor arguments, or an adapter and its options.
    geometry : Geometry
    receptive_field : int
        Base pairs that can influence one output value, at most the window.
    flanks : (int, int) or None
        Base pairs left and right of an output bin that can influence its value; None if the whole
        window can.
    activation : str or None
        Function to apply to the logits: a key of `ACTIVATIONS`.
    tracks : list of dict
        One per channel, in order: `name` and any further columns.
    strand_partners : list of int or None
        For each track, the channel of the other strand (its own if it has none); None if the
        metadata name no partners.
    digest : str
        sha256 of architecture, activation and weights.
    train : dict
        Settings of the training, if known. Default is {}.
    intervals : dict
        `train`, `val`, `test` -> lists `chrom`, `start`, `end` (0-based, half-open), if known.
        Default is {}.
    statement : Statement
        What the model's family states about it. Default states nothing.
    notes : list of str
        Warnings about the output. Default is [].
    beside : Path or None
        The file beside the weights that describes the model. Default is None: there is none.
    """

    source: str
    architecture: Architecture
    geometry: Geometry
    receptive_field: int
    flanks: tuple[int, int] | None
    activation: str | None
    tracks: list[Track]
    strand_partners: list[int] | None
    digest: str
    train: dict[str, Any] = field(default_factory=dict)
    intervals: Intervals = field(default_factory=dict)
    statement: Statement = Statement()
    notes: list[str] = field(default_factory=list)
    beside: Path | None = None


def digest_weights(state: Mapping[str, Tensor], *described: object) -> str:
    """Return the sha256 (hex) of tensors, and of the text of `described`.

    Tensors count by name, dtype, shape and bytes, in any order.

    Examples
    --------
    >>> digest_weights({"weight": torch.ones(2)}, "toy")[:16]
    'a55fd39035258b96'
    """
    digest = hashlib.sha256()
    for item in described:
        digest.update(f"{item!r}\n".encode())
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
