"""Run local modules piece by piece along the sequence, which bounds their memory.

The first layers of long models hold hundreds of channels at (nearly) every base pair: 1 GB after
Borzoi's stem. Their output at a position depends only on its neighbourhood. Pieces that overlap by
a margin therefore give the same values, and each piece fits in the caches of a core.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from grelu_models.layers.activation import EnformerGELU, Exp
from grelu_models.layers.pooling import AttentionPool

__all__ = ["stream"]

PIECE = 2**22
"""Values of the widest layer in a piece: 16 MiB of float32."""

LONG = 4096
"""Shortest input, in positions, that may be cut into pieces."""

POINTWISE = (
    nn.Identity,
    nn.Dropout,
    nn.ReLU,
    nn.ELU,
    nn.GELU,
    nn.Softplus,
    Exp,
    EnformerGELU,
    nn.BatchNorm1d,
    nn.SyncBatchNorm,
)
"""Layers whose output at a position depends on that position only, in eval mode."""


@dataclass(frozen=True)
class Reach:
    """Neighbourhood that a module reads.

    Attributes
    ----------
    margin : int
        Upper bound of the input positions to each side that can influence an output position.
    pooled : int
        Input positions in an output position.
    channels : int
        Channels of the widest layer.
    """

    margin: int
    pooled: int
    channels: int


@dataclass(frozen=True)
class Pieces:
    """How an input is cut into pieces.

    Attributes
    ----------
    length, margin : int
        Positions of a piece, and additional ones read on each side. Multiples of `pooled`.
    pooled : int
        Input positions in an output position.
    """

    length: int
    margin: int
    pooled: int


def stream(module: nn.Module, x: Tensor) -> Tensor:
    """Return `module(x)`, computed in pieces where that gives the same values.

    That is the case for long inputs of local modules, in eval mode, without gradients and on the
    CPU. In all other cases, the module runs on the whole input.

    Parameters
    ----------
    module : nn.Module
        (N, C, L) -> (N, C', L / pooling), with pooling as its last step.
    x : Tensor (N, C, L)
    """
    pieces = _choose_pieces(module, x)
    if pieces is not None:
        return _run_pieces(module, x, pieces)
    x = module(x)
    return x


def _choose_pieces(module: nn.Module, x: Tensor) -> Pieces | None:
    """Choose the size of pieces, or None to run the module on the whole input."""
    length = x.shape[2]
    learning = module.training or torch.is_grad_enabled()
    if x.device.type != "cpu" or learning or torch.compiler.is_compiling() or length < LONG:
        return None
    reach = _measure_reach(module)
    if reach is None or length % reach.pooled:
        return None
    margin = -(-reach.margin // reach.pooled) * reach.pooled
    piece = max(PIECE // reach.channels, 8 * margin, reach.pooled) // reach.pooled * reach.pooled
    return Pieces(piece, margin, reach.pooled) if length > 2 * piece else None


def _run_pieces(module: nn.Module, x: Tensor, pieces: Pieces) -> Tensor:
    """Run a module on every piece with its margins, and join the outputs without the margins."""
    sequences, _, length = x.shape
    margin, pooled = pieces.margin, pieces.pooled
    out = x.new_empty(sequences, 0, length // pooled)
    for n in range(sequences):
        for a in range(0, length, pieces.length):
            b = min(a + pieces.length, length)
            begin, end = max(0, a - margin), min(length, b + margin)
            part = module(x[n : n + 1, :, begin:end])
            if out.shape[1] == 0:  # the first piece gives the number of channels and the type
                out = part.new_empty(sequences, part.shape[1], length // pooled)
            first, count = (a - begin) // pooled, (b - a) // pooled
            out[n, :, a // pooled : b // pooled] = part[0, :, first : first + count]
    return out


def _measure_reach(module: nn.Module) -> Reach | None:
    """Measure the neighbourhood that a module reads; None if a layer may read the whole input.

    The margin is an upper bound: the full width of every convolution, on both sides.
    """
    margin, pooled, channels = 0, 1, 1
    for layer in _list_layers(module):
        if isinstance(layer, nn.Conv1d):
            margin += (layer.kernel_size[0] - 1) * layer.dilation[0]
            channels = max(channels, layer.in_channels, layer.out_channels)
        elif isinstance(layer, nn.MaxPool1d | nn.AvgPool1d):
            size = layer.kernel_size
            pooled *= size if isinstance(size, int) else size[0]
        elif isinstance(layer, AttentionPool):
            pooled *= layer.pool_size
        elif not isinstance(layer, POINTWISE):
            return None
    return Reach(margin, pooled, channels)


def _list_layers(module: nn.Module) -> list[nn.Module]:
    """Innermost layers of a module."""
    children = list(module.children())
    if not children or isinstance(module, AttentionPool):
        return [module]
    return [layer for child in children for layer in _list_layers(child)]
