"""Weights files -> named tensors, and named tensors -> a model."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from grelu_models.errors import ModelError
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
    """Copy weights into a model, strictly: names and shapes must match; the dtype is the model's.

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
        If tensors are missing, unexpected, or of another shape. The message names the first ones.

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
    if wrong:
        shown = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise ModelError(f"{source}: the weights do not fit the architecture: {shown}")
    copies = {k: state[k].to(v.dtype, copy=True).contiguous() for k, v in wanted.items()}
    model.load_state_dict(copies, assign=True)
