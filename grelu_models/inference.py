"""Preparation of a loaded model for inference: less computation, the same predictions."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from grelu_models.blocks import ChannelTransformBlock, ConvBlock
from grelu_models.errors import ModelError
from grelu_models.heads import ConvHead, MLPHead
from grelu_models.layers import Norm, PointwiseConv
from grelu_models.layers.types import Layer
from grelu_models.models import BaseModel
from grelu_models.trunks import ExplaiNNConvBlock

__all__ = ["KeepsTracks", "SelectTracks", "prepare_for_inference"]

Foldable = ConvBlock | ChannelTransformBlock | ExplaiNNConvBlock


@runtime_checkable
class KeepsTracks(Protocol):
    """A model that can leave out the computation of some tracks."""

    def keep_tracks(self, tracks: list[int]) -> None:
        """Compute only these channels from now on, in this order."""


class SelectTracks(Layer):
    """A model that gives some of another model's tracks.

    Parameters
    ----------
    model : nn.Module
        (N, 4, L) -> (N, tracks, bins).
    tracks : list of int
        Channels to keep, in this order.
    """

    def __init__(self, model: nn.Module, tracks: list[int]) -> None:
        super().__init__()
        self.model = model
        self.index: Tensor
        self.register_buffer("index", torch.tensor(tracks), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.model(x)
        return out.index_select(1, self.index)


def prepare_for_inference(
    model: nn.Module, *, tracks: Sequence[int] | None = None, fold: bool = True
) -> nn.Module:
    """Keep only the requested tracks, and fold batch norms into convolutions.

    Parameters
    ----------
    model : nn.Module
        (N, 4, L) -> (N, tracks, bins). Changed in place: its state dict is no longer that of a
        checkpoint.
    tracks : sequence of int, optional
        Channels to keep, in this order. Default is all. An activation over all tracks (softmax)
        must not follow.
    fold : bool
        Fold each batch norm that directly follows a convolution into its weights (order "CDNRA";
        pre-activated blocks have an activation in between). Default is True.

    Returns
    -------
    nn.Module
        The same model, in eval mode, or one that selects tracks of its output. Outputs differ by
        rounding only.

    Raises
    ------
    ModelError
        If a track does not exist, none is selected, or the head is of an unknown type.

    Examples
    --------
    >>> from grelu_models.models import ConvModel
    >>> model = prepare_for_inference(ConvModel(n_tasks=5, final_pool_func=None), tracks=[4, 0])
    >>> model(torch.zeros(1, 4, 100)).shape
    torch.Size([1, 2, 100])
    """
    with torch.no_grad():
        if fold:
            for module in model.modules():
                if isinstance(module, Foldable):
                    _fold_norm(module)
        if tracks is not None:
            model = _keep_tracks(model, list(tracks))
    return model.eval()


def _fold_norm(block: Foldable) -> None:
    """Fold the norm of a block into its convolution, if possible."""
    conv, norm = _get_conv(block), block.norm.layer
    if not _norm_follows_conv(block) or not isinstance(conv, nn.Conv1d):
        return
    if not isinstance(norm, _BatchNorm) or norm.running_mean is None or norm.running_var is None:
        return
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight.double()
    bias = 0.0 if conv.bias is None else conv.bias.double()
    shifted = (bias - norm.running_mean.double()) * scale
    if norm.affine:
        shifted = shifted + norm.bias.double()
    kind = conv.weight.dtype
    weight = conv.weight.double() * scale[:, None, None]
    conv.weight = nn.Parameter(weight.to(kind), requires_grad=False)
    conv.bias = nn.Parameter(shifted.to(kind), requires_grad=False)
    block.norm = Norm(None)


def _norm_follows_conv(block: Foldable) -> bool:
    if isinstance(block, ExplaiNNConvBlock):
        return True
    between = block.order.partition("C")[2].partition("N")
    return between[1] == "N" and set(between[0]) <= {"D"}


def _get_conv(block: Foldable) -> nn.Module:
    return block.conv.layer if isinstance(block, ChannelTransformBlock) else block.conv


def _keep_tracks(model: nn.Module, tracks: list[int]) -> nn.Module:
    if isinstance(model, BaseModel):
        _cut_head(model.head, tracks)
    elif isinstance(model, KeepsTracks):
        model.keep_tracks(tracks)
    else:
        return SelectTracks(model, tracks)
    return model


def _cut_head(head: nn.Module, tracks: list[int]) -> None:
    if not isinstance(head, ConvHead | MLPHead):
        raise ModelError(f"tracks of a {type(head).__name__} cannot be selected")
    missing = [track for track in tracks if not 0 <= track < head.n_tasks]
    if missing or not tracks:
        wrong = f"track {missing[0]} does not exist" if missing else "no track is selected"
        raise ModelError(f"{wrong}: the model has tracks 0 to {head.n_tasks - 1}")
    index = torch.tensor(tracks)
    if isinstance(head, ConvHead):
        block = head.channel_transform
        if isinstance(block.conv.layer, nn.Identity):  # as many tracks as channels
            block.conv.layer = _make_identity_conv(head.n_tasks, block)
        _take_rows(block.conv.layer, index)
        if not isinstance(block.norm.layer, nn.Identity):
            _take_rows(block.norm.layer, index)
    else:
        _take_rows(head.blocks[-1].get_submodule("linear"), index)
    head.n_tasks = len(tracks)


def _make_identity_conv(channels: int, like: nn.Module) -> PointwiseConv:
    """A convolution that changes nothing, on the device and of the dtype of `like`."""
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
    for name in ("out_channels", "out_features", "num_features"):
        if hasattr(layer, name):
            setattr(layer, name, len(index))
