"""Weights files -> named tensors, and named tensors -> a model."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from grelu_models.errors import MisfitError, ModelError
from grelu_models.files.weights_file import open_weights

__all__ = ["load_weights", "read_state_dict"]


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a model from a weights file, executing nothing.

    Parameters
    ----------
    path : Path
        A file of any format of `weights_file.FORMATS`. From a gReLU checkpoint, only the tensors
        of the model are read.

    Raises
    ------
    ModelError
        If the file is missing or damaged, does not contain named tensors, or its pickle refers to
        a name that could run code.
    """
    return open_weights(path).state_dict()


def load_weights(model: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Copy weights into a model, strictly: names and shapes must match.

    The dtype is the model's: floats of another precision are converted.

    The tensors are copied, so that nothing stays mapped to the file. Parameters on the meta device
    are replaced by tensors with values.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    state : dict
        Tensors by name.
    source : str
        Name of the file, for error messages.

    Raises
    ------
    ModelError
        If tensors are missing, unexpected, of another shape, or integers, booleans or complex
        numbers where the model has floats; the message names the first ones. Also if the file
        stores fewer values than the model has, so that a small file could fill the memory.

    Examples
    --------
    >>> import torch
    >>> model = nn.Linear(2, 1)
    >>> load_weights(model, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, source="toy.pt")
    >>> model(torch.ones(2)).item()
    2.0
    """
    wanted = model.state_dict()
    wrong = [f"{name} is missing" for name in wanted if name not in state]
    wrong += [f"{name} is not part of the model" for name in state if name not in wanted]
    wrong += [
        f"{name} is {tuple(state[name].shape)} where the model has {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    wrong += [
        f"{name} is {_show_type(state[name])} where the model has {_show_type(wanted[name])}"
        for name in wanted
        if name in state and not _fits(state[name], wanted[name])
    ]
    if wrong:
        shown = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise MisfitError(f"{source}: the weights do not fit the architecture: {shown}")
    _check_storage(state, wanted, source)
    copies = {k: state[k].to(v.dtype, copy=True).contiguous() for k, v in wanted.items()}
    model.load_state_dict(copies, assign=True)


def _fits(stored: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor can be converted: to floats, only floats can, and not those of 4 bits."""
    number = stored.is_floating_point() and not _show_type(stored).startswith("float4")
    return number or not (stored.is_floating_point() or wanted.is_floating_point())


def _show_type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _check_storage(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: str) -> None:
    """Refuse tensors that repeat values of a smaller storage, before they are copied."""
    needed = sum(tensor.numel() for tensor in wanted.values())
    storages = {
        state[name].untyped_storage().data_ptr(): state[name].untyped_storage().nbytes()
        // state[name].element_size()
        for name in wanted
    }
    if needed > sum(storages.values()):
        raise ModelError(
            f"{source}: the weights have {sum(storages.values()):,} values, where the architecture "
            f"has {needed:,}: save tensors that do not share values"
        )
