"""One forward pass of any module over one window, and the shape of its output."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError

__all__ = ["Shape", "evaluation", "make_bases", "predict_shape", "run"]


class Shape(NamedTuple):
    """Shape of the output for one window."""

    tracks: int
    bins: int


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Run a model in eval mode, without gradients; its mode and the random state are restored."""
    training = [module for module in model.modules() if module.training]
    if model.training:
        with suppress(NotImplementedError):  # exported programs have one mode only
            model.eval()
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        for module in training:
            module.training = True


def run(
    model: nn.Module,
    bases: Tensor,
    call: Callable[[nn.Module, Tensor], object] = nn.Module.__call__,
) -> Tensor:
    """Compute the output (1, tracks, bins) for bases (1, 4, window).

    `call(model, bases)` runs the model. Default is `model(bases)`.

    Raises
    ------
    ModelError
        If the window does not fit the model, or its output has another shape.
    """
    window = bases.shape[-1]
    try:
        with evaluation(model):
            out = call(model, bases)
    except ModelError:
        raise
    except Exception as error:  # whatever a user's module raises
        raise ModelError(f"window {window} does not fit the model: {_name(error)}") from error
    return _check_output(out, window)


def predict_shape(model: nn.Module, window: int) -> Shape | None:
    """Find the shape of a model's output at a window length, without arithmetic.

    A copy without values runs on the meta device. None if the window does not fit the model, or
    the model cannot be copied or run there.
    """
    if any(isinstance(module, nn.RNNBase) for module in model.modules()):
        return None  # minutes on the meta device, where each position is a step
    bases = torch.empty(1, 4, window, dtype=_choose_type(model), device="meta")
    # A module may make tensors without naming a device, for computations with values or with bases.
    for device in ("cpu", "meta"):
        try:
            bare = _copy_without_values(model)
            with evaluation(bare), torch.device(device):
                return Shape(*_check_output(bare(bases), window).shape[1:])
        except Exception:  # whatever a user's module raises
            continue
    return None


def _copy_without_values(model: nn.Module) -> nn.Module:
    """Copy a model with meta tensors in place of its parameters and buffers.

    A model may keep tensors of a forward pass as attributes: those of the original stay as they
    are.
    """
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): _empty(tensor) for tensor in tensors})


def make_bases(model: nn.Module, window: int, *, seed: int) -> Tensor:
    """Draw one-hot bases (1, 4, window), of the device and type of a model's parameters."""
    codes = torch.randint(4, (window,), generator=torch.Generator().manual_seed(seed))
    bases = nn.functional.one_hot(codes, 4).T[None]
    first = next(model.parameters(), torch.empty(0))
    return bases.to(first.device, _choose_type(model))


def _choose_type(model: nn.Module) -> torch.dtype:
    found = (tensor.dtype for tensor in model.parameters() if tensor.is_floating_point())
    return next(found, torch.float32)


def _empty(tensor: Tensor) -> Tensor:
    empty = torch.empty_like(tensor, device="meta")
    return nn.Parameter(empty, False) if isinstance(tensor, nn.Parameter) else empty


def _name(error: Exception) -> str:
    """The first line of an error, or its type if it has no text."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _check_output(out: object, window: int) -> Tensor:
    wanted = "it must return one tensor of shape (1, tracks, bins)"
    given = f"for bases of shape (1, 4, {window}), the model returns"
    if isinstance(out, Mapping):
        raise ModelError(f"{given} a dict with {', '.join(map(repr, out))}: {wanted}")
    if isinstance(out, tuple | list):
        raise ModelError(f"{given} a {type(out).__name__} of {len(out)}: {wanted}")
    if not isinstance(out, Tensor):
        raise ModelError(f"{given} {type(out).__name__}: {wanted}")
    if out.dim() != 3 or len(out) != 1 or 0 in out.shape:
        raise ModelError(f"{given} shape {tuple(out.shape)}: {wanted}")
    return out
