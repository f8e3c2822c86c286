"""The card of a model: what a pipeline must know about the model, and how it is measured.

Geometry comes from a forward pass on the meta device (shapes only, no arithmetic), never from
class defaults: published checkpoints differ from them.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.families import Statement
from grelu_models.files.metadata import Architecture, Intervals, Track
from grelu_models.geometry import Geometry
from grelu_models.heads import MLPHead
from grelu_models.layers import AdaptivePool, Crop, Pool
from grelu_models.layers.attention import Attention, EnformerAttention
from grelu_models.layers.rotary import FlashAttention, GroupedAttention
from grelu_models.trunks import ExplaiNNTrunk

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


class Step(NamedTuple):
    """A layer that ran in a forward pass, with the positions of its input and of its output."""

    layer: nn.Module
    before: int
    after: int


def measure_geometry(model: nn.Module, window: int) -> Geometry:
    """Measure the output geometry of a model at a window length.

    Parameters
    ----------
    model : BaseModel
    window : int
        Base pairs.

    Raises
    ------
    ModelError
        If the window is not a multiple of the model's pooling, or cropping leaves no bin.

    Examples
    --------
    >>> from grelu_models.models import ConvModel
    >>> model = ConvModel(n_tasks=2, pool_func="max", pool_size=4, crop_len=3, final_pool_func=None)
    >>> measure_geometry(model, 100)
    Geometry(window=100, bin=4, crop=3, length=19, tracks=2)
    """
    steps: list[Step] = []
    try:
        embedded, out = _forward_shapes(model, window, steps)
    except ModelError:
        raise
    except (RuntimeError, ArithmeticError, TypeError, ValueError, IndexError) as error:
        _refuse_uneven(window, steps)
        raise ModelError(f"window {window} does not fit the model: {error}") from error
    if _gives_one_value(model):
        return Geometry(window, None, 0, 1, out.shape[1])
    _refuse_uneven(window, steps)
    crop = sum(step.layer.crop_len for step in steps if isinstance(step.layer, Crop))
    raw = embedded.shape[-1] + 2 * crop
    return Geometry(window, window // raw, crop, out.shape[-1], out.shape[1])


def measure_receptive_field(model: nn.Module, window: int) -> int:
    """Count the base pairs that can influence one output value, at most the whole window.

    Parameters
    ----------
    model : BaseModel
    window : int
        Base pairs, valid for `measure_geometry`.
    """
    reach = _measure_reach(model, window)
    return window if reach is None else min(sum(reach), window)


def measure_flanks(model: nn.Module, window: int) -> tuple[int, int] | None:
    """Count the base pairs left and right of an output bin that can influence its value.

    Parameters
    ----------
    model : BaseModel
    window : int
        Base pairs, valid for `measure_geometry`.

    Returns
    -------
    (int, int) or None
        None if the whole window can, or the model gives one value per window.
    """
    reach = _measure_reach(model, window)
    return None if reach is None else (reach[0], reach[2])


def _measure_reach(model: nn.Module, window: int) -> tuple[int, int, int] | None:
    """Base pairs that can influence the value of an output bin: left of it, its own, right of it.

    None if the whole window can, or the model gives one value per window.
    """
    steps: list[Step] = []
    _forward_shapes(model, window, steps)
    if _gives_one_value(model) or any(isinstance(step.layer, EVERYWHERE) for step in steps):
        return None
    left, right, stride = 0, 0, 1
    for layer, _, _ in steps:
        if isinstance(layer, nn.Conv1d):
            total = (layer.kernel_size[0] - 1) * layer.dilation[0]
            before = total // 2 if isinstance(layer.padding, str) else layer.padding[0]
            left, right = left + before * stride, right + (total - before) * stride
        elif isinstance(layer, Pool):
            right += (layer.pool_size - 1) * stride
            stride *= layer.pool_size
        elif isinstance(layer, nn.Upsample):
            # The copies of a position begin up to a position to its left.
            factor = int(cast(float, layer.scale_factor))
            stride //= factor
            left += (factor - 1) * stride
    return left, stride, right - (stride - 1)  # the pools counted the rest of the bin, too


EVERYWHERE = (Attention, EnformerAttention, FlashAttention, GroupedAttention, nn.GRU)
"""Layers whose every output depends on every input."""

WATCHED = (Crop, Pool, nn.Conv1d, nn.Upsample, *EVERYWHERE)


def _gives_one_value(model: nn.Module) -> bool:
    """Whether a model combines all positions of a window into one value."""
    return any(
        isinstance(module, MLPHead | ExplaiNNTrunk)
        or (isinstance(module, AdaptivePool) and not isinstance(module.layer, nn.Identity))
        for module in model.modules()
    )


def _refuse_uneven(window: int, steps: list[Step]) -> None:
    pools = [(step.layer.pool_size, step) for step in steps if isinstance(step.layer, Pool)]
    if all(step.before == step.after * size for size, step in pools):
        return
    size = math.prod(size for size, _ in pools)
    below = window // size * size
    valid = " or ".join(str(length) for length in (below, below + size) if length)
    raise ModelError(
        f"window {window} is not a multiple of {size} bp, which the model pools into one position: "
        f"use {valid}"
    )


def _forward_shapes(model: nn.Module, window: int, steps: list[Step]) -> tuple[Tensor, Tensor]:
    """Run embedding and head on meta tensors: (embedding, output), shapes without values.

    The watched layers are appended to `steps` in the order in which they ran.
    """

    def watch(layer: nn.Module, given: tuple[Tensor, ...], out: object) -> None:
        after = out.shape[-1] if isinstance(out, Tensor) else 0
        steps.append(Step(layer, given[0].shape[-1], after))

    def on_meta(module: nn.Module, x: Tensor) -> Tensor:
        state = {k: torch.empty_like(v, device="meta") for k, v in module.state_dict().items()}
        out: Tensor = torch.func.functional_call(module, state, (x,))
        return out

    watched = [module for module in model.modules() if isinstance(module, WATCHED)]
    hooks = [module.register_forward_hook(watch) for module in watched]
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            bases = torch.empty(1, 4, window, device="meta")
            embedded = on_meta(model.get_submodule("embedding"), bases)
            return embedded, on_meta(model.get_submodule("head"), embedded)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()


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
