"""Geometry and reach of a `BaseModel`, from the layers that run in a forward pass.

The pass runs on the meta device: shapes only, no arithmetic. What a layer reads is known from its
type.
"""

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.geometry import Geometry
from grelu_models.heads import MLPHead
from grelu_models.layers import AdaptivePool, Crop, Pool
from grelu_models.layers.attention import Attention, EnformerAttention
from grelu_models.layers.rotary import FlashAttention, GroupedAttention
from grelu_models.models import BaseModel
from grelu_models.trunks import ExplaiNNTrunk

__all__ = ["EVERYWHERE", "read_geometry", "read_reach"]


class Step(NamedTuple):
    """A layer that ran in a forward pass, with the positions of its input and of its output."""

    layer: nn.Module
    before: int
    after: int


def read_geometry(model: BaseModel, window: int) -> Geometry:
    """Measure the output geometry of a model at a window length in bp.

    Raises
    ------
    ModelError
        If the window is not a multiple of the model's pooling, or cropping leaves no bin.
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


def read_reach(model: BaseModel, window: int) -> tuple[int, int, int] | None:
    """Count the base pairs that can influence an output bin: left of it, its own, right of it.

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


def _gives_one_value(model: BaseModel) -> bool:
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


def _forward_shapes(model: BaseModel, window: int, steps: list[Step]) -> tuple[Tensor, Tensor]:
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
