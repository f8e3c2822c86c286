"""What a pipeline must know of a model, and how it is measured.

Geometry comes from a forward pass on the meta device (shapes only, no arithmetic), never from
class defaults: published checkpoints differ from them.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
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

ACTIVATIONS = {
    None: lambda x: x,
    "exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "softplus": nn.functional.softplus,
    "softmax": lambda x: torch.softmax(x, dim=1),
}
"""Final activations by name; each takes logits (N, tracks, bins). Softmax is over the tracks."""


@dataclass(frozen=True)
class ModelCard:
    """A loaded model in words and numbers.

    Attributes
    ----------
    source : str
        The file the weights came from, or `repo@revision:file` of a hub.
    architecture : dict
        `model_type` and its constructor arguments, or an adapter and its options.
    geometry : Geometry
    receptive_field : int
        Base pairs that can move one output value, at most the window.
    flanks : (int, int) or None
        Base pairs left and right of an output bin that can move its value; None where all can.
    activation : str or None
        Applied to the logits: a key of `ACTIVATIONS`.
    tracks : list of dict
        One a channel, in order: `name` and any further columns.
    strand_partners : list of int or None
        For each track, the channel of the other strand (its own where it has none); None where
        the tracks do not say.
    digest : str
        sha256 of architecture, activation and weights.
    train : dict
        What is known of the training.
    intervals : dict
        `train`, `val`, `test`: lists `chrom`, `start`, `end` (0-based, half-open), where known.
    notes : list of str
        What a user should know before trusting the output.
    """

    source: str
    architecture: dict
    geometry: Geometry
    receptive_field: int
    flanks: tuple[int, int] | None
    activation: str | None
    tracks: list[dict]
    strand_partners: list[int] | None
    digest: str
    train: dict = field(default_factory=dict)
    intervals: dict = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def measure_geometry(model: nn.Module, window: int) -> Geometry:
    """Measure a model's output geometry at a window length.

    Parameters
    ----------
    model : BaseModel
    window : int
        Base pairs.

    Raises
    ------
    ModelError
        If the window is not a multiple of what the model pools, or nothing is left of it.
    """
    seen: list[tuple[nn.Module, int, int]] = []
    try:
        embedded, out = _forward_shapes(model, window, seen)
    except RuntimeError as error:
        _refuse_uneven(window, seen)
        raise ModelError(f"window {window} does not fit the model: {error}") from error
    if _gives_one_value(model):
        return Geometry(window, None, 0, 1, out.shape[1])
    _refuse_uneven(window, seen)
    crop = sum(module.crop_len for module, _, _ in seen if isinstance(module, Crop))
    raw = embedded.shape[-1] + 2 * crop
    return Geometry(window, window // raw, crop, out.shape[-1], out.shape[1])


def measure_receptive_field(model: nn.Module, window: int) -> int:
    """Count the base pairs that can move one output value: the whole window, if attention reads it.

    Parameters
    ----------
    model : BaseModel
    window : int
        Base pairs, one that `measure_geometry` accepts.
    """
    reach = _measure_reach(model, window)
    return window if reach is None else min(sum(reach), window)


def measure_flanks(model: nn.Module, window: int) -> tuple[int, int] | None:
    """Count the base pairs to the left and right of an output bin's own that can move its value.

    Parameters
    ----------
    model : BaseModel
    window : int
        Base pairs, one that `measure_geometry` accepts.

    Returns
    -------
    (int, int) or None
        None where the whole window can, or the model gives one value.
    """
    reach = _measure_reach(model, window)
    return None if reach is None else (reach[0], reach[2])


def _measure_reach(model: nn.Module, window: int) -> tuple[int, int, int] | None:
    """Base pairs that can move an output bin's value: left of it, its own, right of it."""
    seen: list[tuple[nn.Module, int, int]] = []
    _forward_shapes(model, window, seen)
    if _gives_one_value(model) or any(isinstance(module, EVERYWHERE) for module, _, _ in seen):
        return None
    left, right, step = 0, 0, 1
    for module, _, _ in seen:
        if isinstance(module, nn.Conv1d):
            total = (module.kernel_size[0] - 1) * module.dilation[0]
            before = total // 2 if module.padding == "same" else module.padding[0]
            left, right = left + before * step, right + (total - before) * step
        elif isinstance(module, Pool):
            right += (module.pool_size - 1) * step
            step *= module.pool_size
        elif isinstance(module, nn.Upsample):
            # The copies of a position begin up to a position behind it.
            step //= int(module.scale_factor)
            left += (int(module.scale_factor) - 1) * step
    return left, step, right - (step - 1)  # pools put the bin's own behind its first one


EVERYWHERE = (Attention, EnformerAttention, FlashAttention, GroupedAttention, nn.GRU)
"""Layers whose every output depends on every input."""

WATCHED = (Crop, Pool, nn.Conv1d, nn.Upsample, *EVERYWHERE)


def _gives_one_value(model: nn.Module) -> bool:
    """Whether all positions of a window end in one value."""
    return any(
        isinstance(module, MLPHead | ExplaiNNTrunk)
        or (isinstance(module, AdaptivePool) and not isinstance(module.layer, nn.Identity))
        for module in model.modules()
    )


def _refuse_uneven(window: int, seen: list[tuple[nn.Module, int, int]]) -> None:
    pools = [(m.pool_size, before, after) for m, before, after in seen if isinstance(m, Pool)]
    if all(before == after * size for size, before, after in pools):
        return
    size = math.prod(size for size, _, _ in pools)
    below = window // size * size
    raise ModelError(
        f"window {window} is not a multiple of {size} bp, which the model pools into one position: "
        f"use {below or size} or {below + size}"
    )


def _forward_shapes(
    model: nn.Module, window: int, seen: list[tuple[nn.Module, int, int]]
) -> tuple[Tensor, Tensor]:
    """Run embedding and head on meta tensors: (embedding, output), shapes without values.

    `seen` gets the watched modules in the order they ran, with positions before and after.
    """

    def watch(module: nn.Module, given: tuple, out: object) -> None:
        after = out.shape[-1] if isinstance(out, Tensor) else 0
        seen.append((module, given[0].shape[-1], after))

    def on_meta(module: nn.Module, x: Tensor) -> Tensor:
        state = {k: torch.empty_like(v, device="meta") for k, v in module.state_dict().items()}
        return torch.func.functional_call(module, state, (x,))

    watched = [module for module in model.modules() if isinstance(module, WATCHED)]
    hooks = [module.register_forward_hook(watch) for module in watched]
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            embedded = on_meta(model.embedding, torch.empty(1, 4, window, device="meta"))
            return embedded, on_meta(model.head, embedded)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()


def digest_weights(state: Mapping[str, Tensor], *described: object) -> str:
    """sha256 (hex) of tensors by name, dtype, shape and bytes, and of the text of `described`."""
    digest = hashlib.sha256()
    for item in described:
        digest.update(f"{item!r}\n".encode())
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
