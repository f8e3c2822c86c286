"""A module from elsewhere, with one of its outputs chosen and its shape checked."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError, describe_error
from grelu_models.files.limits import show

__all__ = ["OwnModel", "check_values", "check_weights"]

UNREPEATED = 0.02
"""Greatest difference between two runs of one window, as a part of the window's largest value."""


class OwnModel(nn.Module):
    """A module (N, 4, L) -> (N, tracks, bins), or with layout NLC (N, L, 4) -> (N, bins, tracks).

    Parameters
    ----------
    model : nn.Module
        Moved to the CPU and to eval mode.
    output : str or int, optional
        Key or index, if the module returns a dict or a tuple. Default is None: a tensor.
    layout : "NCL" or "NLC"
        Default is "NCL".
    source : str
        The file that describes the module, for error messages.

    Examples
    --------
    >>> model = OwnModel(nn.Conv1d(4, 3, 1), source="my_module.py")
    >>> model(torch.zeros(2, 4, 100)).shape
    torch.Size([2, 3, 100])
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        output: str | int | None = None,
        layout: Literal["NCL", "NLC"] = "NCL",
        source: str,
    ) -> None:
        super().__init__()
        self.model = model.cpu()
        self._output, self._layout, self._source = output, layout, source
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Run the module, and return its chosen output."""
        out = self._choose(self._run(x))
        if out.ndim != 3 or len(out) != len(x) or not out.is_floating_point() or not out.numel():
            axes = "tracks, bins" if self._layout == "NCL" else "bins, tracks"
            raise ModelError(
                f"{self._source}: for windows of shape {tuple(x.shape)}, the module returns "
                f"{str(out.dtype).removeprefix('torch.')} of shape {tuple(out.shape)}, where "
                f"floats of shape ({len(x)}, {axes}) are wanted"
            )
        return out

    def _run(self, x: Tensor) -> object:
        try:
            return self.model(x)
        except ModelError:
            raise
        except Exception as error:
            if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
                raise
            raise ModelError(describe_error(error, self._source)) from error

    def _choose(self, out: object) -> Tensor:
        chosen, key = out, self._output
        if isinstance(out, Mapping):
            chosen = self._get(dict(out), key, "a dict with the keys")
        elif isinstance(out, tuple | list):
            fields = getattr(out, "_fields", None)
            named = dict(zip(fields, out, strict=True)) if fields and isinstance(key, str) else None
            chosen = self._get(named or dict(enumerate(out)), key, "a tuple with the indices")
        elif isinstance(out, Tensor) and key not in (None, 0):
            raise ModelError(
                f"{self._source}: model.output is {show(key)}, but the module returns one tensor: "
                "remove model.output"
            )
        if not isinstance(chosen, Tensor):
            raise ModelError(
                f"{self._source}: the module returns a {type(chosen).__name__} where a tensor is "
                "wanted, or a dict or tuple of tensors and model.output"
            )
        return chosen

    def _get(self, outputs: dict[object, object], key: object, what: str) -> object:
        if key is None and len(outputs) == 1:
            return next(iter(outputs.values()))
        if key not in outputs:
            known = ", ".join(str(each) for each in outputs)
            stated = f", not {show(key)}" if key is not None else ""
            raise ModelError(
                f"{self._source}: the module returns {what} {known}{stated}: set model.output to "
                "one"
            )
        return outputs[key]


def check_values(model: nn.Module, window: int, *, source: str) -> None:
    """Run two windows of random bases, and one of them again.

    Refused are models that fail, give values like NaN, or give other values for a window that is
    run again, alone: those with dropout or batch statistics in prediction.

    Parameters
    ----------
    model : nn.Module
        (N, 4, L) -> (N, tracks, bins), on the CPU.
    window : int
        Base pairs.
    source : str
        For error messages.
    """
    codes = torch.randint(4, (2, window), generator=torch.Generator().manual_seed(0))
    bases = nn.functional.one_hot(codes, 4).transpose(1, 2).float()
    with torch.inference_mode():
        out, again = model(bases), model(bases[:1])
    wrong = ~torch.isfinite(out)
    if wrong.any():
        value = out[wrong][0].item()
        raise ModelError(
            f"{source}: the model returns {value} for a window of random bases "
            f"({int(wrong.sum()):,} of {out.numel():,} values): check its weights and eval mode"
        )
    change = (again - out[:1]).abs().max().item()
    largest = out[:1].abs().max().item()
    if change > UNREPEATED * largest:
        raise ModelError(
            f"{source}: the model returns other values for a window of random bases when it is "
            f"run again, alone (by {change:.2g}; the largest value is {largest:.2g}): check for "
            "dropout and batch statistics that are not switched off by eval mode"
        )


def check_weights(model: nn.Module, again: nn.Module, *, source: str) -> None:
    """Refuse a module that has other weights when it is made again, and so in every job.

    Parameters
    ----------
    model, again : nn.Module
        Made by the same function.
    source : str
        For error messages.
    """
    other = again.state_dict()
    for name, tensor in model.state_dict().items():
        if isinstance(tensor, Tensor) and not _is_same(tensor, other.get(name)):
            raise ModelError(
                f"{source}: {name.removeprefix('model.')} of the module has other values when it "
                "is made again: load all parameters from the weights"
            )


def _is_same(one: Tensor, other: object) -> bool:
    return (
        isinstance(other, Tensor)
        and one.shape == other.shape
        and one.dtype == other.dtype
        and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
    )
