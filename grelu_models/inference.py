"""Make a model cheaper to run without changing what it predicts."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from grelu_models.blocks import ChannelTransformBlock, ConvBlock
from grelu_models.errors import ModelError
from grelu_models.heads import ConvHead, MLPHead
from grelu_models.layers import Norm, PointwiseConv
from grelu_models.models import BaseModel
from grelu_models.trunks import ExplaiNNConvBlock

__all__ = ["prepare_for_inference"]


def prepare_for_inference(
    model: BaseModel, *, tracks: Sequence[int] | None = None, fold: bool = True
) -> BaseModel:
    """Compute only the tracks that are asked for, and fold batch norms into convolutions.

    Parameters
    ----------
    model : BaseModel
        Changed in place; its state dict no longer is that of a checkpoint.
    tracks : sequence of int, optional
        Channels to keep, in this order; all by default. An activation over all tracks (softmax)
        must not follow.
    fold : bool
        Multiply the weights of every convolution whose batch norm comes right after it (order
        "CDNRA"; pre-activated blocks have an activation between).

    Returns
    -------
    BaseModel
        The same model, in eval mode. Outputs differ by rounding only.

    Raises
    ------
    ModelError
        For a track that the model does not have.
    """
    with torch.no_grad():
        if fold:
            for module in model.modules():
                if _norm_follows_conv(module):
                    _fold_norm(module)
        if tracks is not None:
            _keep_tracks(model.head, list(tracks))
    return model.eval()


def _norm_follows_conv(module: nn.Module) -> bool:
    if isinstance(module, ConvBlock | ChannelTransformBlock):
        between = module.order.partition("C")[2].partition("N")
        adjacent = between[1] == "N" and set(between[0]) <= {"D"}
    else:
        adjacent = isinstance(module, ExplaiNNConvBlock)
    return (
        adjacent
        and isinstance(module.norm.layer, _BatchNorm)
        and module.norm.layer.running_mean is not None
        and isinstance(_conv_of(module), nn.Conv1d)
    )


def _conv_of(module: nn.Module) -> nn.Module:
    return module.conv.layer if isinstance(module, ChannelTransformBlock) else module.conv


def _fold_norm(module: nn.Module) -> None:
    conv, norm = _conv_of(module), module.norm.layer
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight.double()
    bias = 0.0 if conv.bias is None else conv.bias.double()
    shifted = (bias - norm.running_mean.double()) * scale
    if norm.affine:
        shifted = shifted + norm.bias.double()
    _replace(conv, conv.weight.double() * scale[:, None, None], shifted)
    module.norm = Norm(None)


def _keep_tracks(head: nn.Module, tracks: list[int]) -> None:
    missing = [track for track in tracks if not 0 <= track < head.n_tasks]
    if missing or not tracks:
        raise ModelError(
            f"tracks: {missing[0] if missing else 'none'} of the model's {head.n_tasks} (from 0)"
        )
    index = torch.tensor(tracks)
    if isinstance(head, ConvHead):
        block = head.channel_transform
        if isinstance(block.conv.layer, nn.Identity):  # as many tracks as channels
            block.conv.layer = _select_channels(head.n_tasks, block)
        _take_rows(block.conv.layer, index)
        if not isinstance(block.norm.layer, nn.Identity):
            _take_rows(block.norm.layer, index)
            block.norm.layer.num_features = len(tracks)
    elif isinstance(head, MLPHead):
        _take_rows(head.blocks[-1].linear, index)
    else:
        raise ModelError(f"tracks of a {type(head).__name__} cannot be selected")
    head.n_tasks = len(tracks)


def _select_channels(channels: int, like: nn.Module) -> PointwiseConv:
    conv = PointwiseConv(channels, channels, 1, bias=False)
    conv.weight.copy_(torch.eye(channels)[:, :, None])
    first = next(like.parameters(), None)
    return conv if first is None else conv.to(first)


def _take_rows(layer: nn.Module, index: Tensor) -> None:
    """Keep some output channels of a layer."""
    for name in ("weight", "bias"):
        value = getattr(layer, name)
        if value is not None:
            setattr(layer, name, nn.Parameter(value[index.to(value.device)].clone(), False))
    for name in ("running_mean", "running_var"):
        value = getattr(layer, name, None)
        if value is not None:
            setattr(layer, name, value[index.to(value.device)].clone())
    for name in ("out_channels", "out_features"):
        if hasattr(layer, name):
            setattr(layer, name, len(index))


def _replace(conv: nn.Conv1d, weight: Tensor, bias: Tensor) -> None:
    kind = conv.weight.dtype
    conv.weight = nn.Parameter(weight.to(kind), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(kind), requires_grad=False)
