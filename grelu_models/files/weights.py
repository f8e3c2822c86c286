"""Weights files -> named tensors, and named tensors -> a model; nothing in a file is executed."""

import re
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.files.lightning import is_checkpoint
from grelu_models.files.pickles import STAND_INS, is_torch_zip, read_pickle, refuse

__all__ = ["load_weights", "read_state_dict"]

PREFIX = "model."
NOT_THE_MODEL = ("loss.", "val_metrics.", "test_metrics.")
"""What else gReLU's LightningModule keeps among a checkpoint's tensors."""


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a `.safetensors` or torch file, executing nothing.

    Of a gReLU checkpoint, the model's own tensors; other parts, such as an optimizer's state, are
    not read from the disk.

    Raises
    ------
    ModelError
        If the file is missing, broken, holds something else than named tensors, or its pickle
        asks for anything that could run code.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file: check model.weights")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    state = _read_torch_file(path)
    if is_checkpoint(state):
        state = _select_model(path, state["state_dict"])
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ModelError(
            f"{path}: not a plain state dict (named tensors): save model.state_dict() of it"
        )
    return state


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: no readable weights: {error}") from error


def _read_torch_file(path: Path) -> object:
    """Load by torch's own restricted unpickler, after ours has found nothing strange."""
    mapped = is_torch_zip(path)
    if mapped:
        read_pickle(path)
        with zipfile.ZipFile(path) as archive:  # a zip made by hand may be compressed
            mapped = all(m.compress_type == zipfile.ZIP_STORED for m in archive.infolist())
    known = [(stand_in, name) for name, stand_in in STAND_INS.items()]
    try:
        with torch.serialization.safe_globals(known):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a broken or hostile pickle can raise anything
        named = re.search(r"GLOBAL (\S+)", str(error))
        if named:
            raise refuse(path, named[1]) from None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: no readable weights: {reason}") from error


def _select_model(path: Path, state: dict[str, Tensor]) -> dict[str, Tensor]:
    strange = [name for name in state if not name.startswith((PREFIX, *NOT_THE_MODEL))]
    if strange:
        raise ModelError(
            f"{path}: no checkpoint of gReLU: {strange[0]} is neither the model's ({PREFIX}…) "
            f"nor known to be left out ({', '.join(f'{name}…' for name in NOT_THE_MODEL)})"
        )
    return {
        name.removeprefix(PREFIX): tensor
        for name, tensor in state.items()
        if name.startswith(PREFIX)
    }


def load_weights(model: nn.Module, state: dict[str, Tensor], *, source: str) -> None:
    """Give a model its weights, strictly: every tensor by name and shape, as the model's type.

    The model takes copies of its own, so that nothing stays mapped to the file: parameters on the
    meta device become real.

    Raises
    ------
    ModelError
        Naming the tensors that are missing, not expected, or of another shape.
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
