"""Run local modules piece by piece along the sequence, so that memory does not follow its length.

The first layers of long models hold hundreds of channels at (nearly) every base pair: 1 GB after
Borzoi's stem. What becomes of a position depends on its neighbourhood only, so pieces that overlap
by a margin give the same values, and each stays in the caches of a core.
"""

import torch
from torch import Tensor, nn

from grelu_models.layers.basic import AttentionPool, EnformerGELU, Exp

__all__ = ["stream"]

PIECE = 2**22  # values of the widest layer in a piece: 16 MiB of float32

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


def stream(module: nn.Module, x: Tensor) -> Tensor:
    """`module(x)`, in pieces where that is the same: a local module, on the CPU, to predict.

    Parameters
    ----------
    module : nn.Module
        (N, C, L) -> (N, C', L / pooling), its pooling last.
    x : Tensor (N, C, L)
    """
    learning = module.training or torch.is_grad_enabled()
    if x.device.type != "cpu" or learning or torch.compiler.is_compiling() or x.shape[2] < 4096:
        return module(x)
    reach = _measure_reach(module)
    if reach is None:
        return module(x)
    margin, pooled, channels = reach
    margin = -(-margin // pooled) * pooled
    piece = max(PIECE // channels, 8 * margin, pooled) // pooled * pooled
    if x.shape[2] % pooled or x.shape[2] <= 2 * piece:
        return module(x)
    return _run_pieces(module, x, piece=piece, margin=margin, pooled=pooled)


def _run_pieces(module: nn.Module, x: Tensor, *, piece: int, margin: int, pooled: int) -> Tensor:
    sequences, _, length = x.shape
    out = None
    for n in range(sequences):
        for a in range(0, length, piece):
            b = min(a + piece, length)
            begin, end = max(0, a - margin), min(length, b + margin)
            part = module(x[n : n + 1, :, begin:end])
            if out is None:
                out = part.new_empty(sequences, part.shape[1], length // pooled)
            first, count = (a - begin) // pooled, (b - a) // pooled
            out[n, :, a // pooled : b // pooled] = part[0, :, first : first + count]
    return out


def _measure_reach(module: nn.Module) -> tuple[int, int, int] | None:
    """Positions that a module looks to a side, its pooling and its widest layer; None: all of them.

    The count is generous: the whole width of every convolution, to both sides.
    """
    margin, pooled, channels = 0, 1, 1
    for part in _parts(module):
        if isinstance(part, nn.Conv1d):
            margin += (part.kernel_size[0] - 1) * part.dilation[0]
            channels = max(channels, part.in_channels, part.out_channels)
        elif isinstance(part, nn.MaxPool1d | nn.AvgPool1d):
            size = part.kernel_size
            pooled *= size if isinstance(size, int) else size[0]
        elif isinstance(part, AttentionPool):
            pooled *= part.pool_size
        elif not isinstance(part, POINTWISE):
            return None
    return margin, pooled, channels


def _parts(module: nn.Module) -> list[nn.Module]:
    """The layers that a module is made of."""
    children = list(module.children())
    if not children or isinstance(module, AttentionPool):
        return [module]
    return [part for child in children for part in _parts(child)]
