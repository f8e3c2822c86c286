"""What a pipeline must know of a model, and how it is measured.

Geometry comes from a forward pass on the meta device (shapes only, no arithmetic), never from
class defaults: published checkpoints differ from them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.layers import AdaptivePool, Crop, Pool

__all__ = ["ACTIVATIONS", "Geometry", "ModelCard", "digest_weights", "measure_geometry"]

ACTIVATIONS = {
    None: lambda x: x,
    "exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "softplus": nn.functional.softplus,
    "softmax": lambda x: torch.softmax(x, dim=1),
}
"""Final activations by name; each takes logits (N, tracks, bins). Softmax is over the tracks."""


@dataclass(frozen=True)
class Geometry:
    """Window arithmetic of a model: `window == bin * (length + 2 * crop)` for spatial models.

    Attributes
    ----------
    window : int
        Base pairs read.
    bin : int or None
        Base pairs per output bin; None for a model that pools to one value a window.
    crop : int
        Bins dropped at each end (0 where `bin` is None).
    length : int
        Bins out.
    tracks : int
        Channels out.
    """

    window: int
    bin: int | None
    crop: int
    length: int
    tracks: int


@dataclass(frozen=True)
class ModelCard:
    """A loaded model in words and numbers.

    Attributes
    ----------
    source : str
        The file the weights came from.
    architecture : dict
        `model_type` and its constructor arguments.
    geometry : Geometry
    activation : str or None
        Applied to the logits: a key of `ACTIVATIONS`.
    tracks : list of dict
        One a channel, in order: `name` and any further columns.
    digest : str
        sha256 of architecture, activation and weights.
    train : dict
        What the metadata says of the training.
    """

    source: str
    architecture: dict
    geometry: Geometry
    activation: str | None
    tracks: list[dict]
    digest: str
    train: dict = field(default_factory=dict)


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
        If the window is not a multiple of the bin, or nothing is left after cropping.
    """
    crops: list[int] = []
    watched: list[tuple[Pool, int, int]] = []
    hooks = []
    for module in model.modules():
        if isinstance(module, Crop):
            hooks.append(module.register_forward_hook(lambda m, _, out: crops.append(m.crop_len)))
        elif isinstance(module, Pool):
            hooks.append(
                module.register_forward_hook(
                    lambda m, args, out: watched.append((m, args[0].shape[-1], out.shape[-1]))
                )
            )
    try:
        embedded, out = _forward_shapes(model, window)
    finally:
        for hook in hooks:
            hook.remove()
    uneven = [pool for pool, before, after in watched if before != after * pool.pool_size]
    if _pools_to_one_value(model):
        return Geometry(window, None, 0, 1, out.shape[1])
    crop = sum(crops)
    raw = embedded.shape[-1] + 2 * crop
    size = _pooled_bases(watched) if uneven else window // raw
    if uneven or window % raw:
        below = window // size * size
        raise ModelError(
            f"window {window} is not a multiple of the model's bin of {size} bp: "
            f"use {below or size} or {below + size}"
        )
    return Geometry(window, size, crop, out.shape[-1], out.shape[1])


def _pools_to_one_value(model: nn.Module) -> bool:
    return any(
        isinstance(module, AdaptivePool) and not isinstance(module.layer, nn.Identity)
        for module in model.modules()
    )


def _pooled_bases(watched: list[tuple[Pool, int, int]]) -> int:
    size = 1
    for pool, _, _ in watched:
        size *= pool.pool_size
    return size


def _forward_shapes(model: nn.Module, window: int) -> tuple[Tensor, Tensor]:
    """Run embedding and head on meta tensors: (embedding, output), shapes without values."""

    def on_meta(module: nn.Module, x: Tensor) -> Tensor:
        state = {k: torch.empty_like(v, device="meta") for k, v in module.state_dict().items()}
        return torch.func.functional_call(module, state, (x,))

    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            embedded = on_meta(model.embedding, torch.empty(1, 4, window, device="meta"))
            return embedded, on_meta(model.head, embedded)
    except RuntimeError as error:
        raise ModelError(f"window {window} does not fit the model: {error}") from error
    finally:
        model.train(training)


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
