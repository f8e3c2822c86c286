"""Files of `torch.save`: plain state dicts and gReLU checkpoints. Nothing in them is executed.

torch unpickles with `weights_only=True`. Before, the pickle is read by `pickles`, which is
stricter, has limits and needs no torch.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from grelu_models.errors import ModelError
from grelu_models.files.archive import check_members, open_archive
from grelu_models.files.lightning import (
    is_checkpoint,
    is_of_model,
    read_checkpoint_metadata,
    select_model,
)
from grelu_models.files.metadata import Metadata
from grelu_models.files.pickles import (
    STAND_INS,
    Unread,
    read_legacy_pickle,
    read_pickle,
    refuse,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LegacyTorchFile", "TorchZipFile"]

SafeCall = Callable[..., Any]
SafeGlobal = SafeCall | tuple[SafeCall, str]
"""Declared type of the arguments of torch's `safe_globals`, which accepts any object."""


class TorchZipFile:
    """A file written by torch since version 1.6: a zip of one pickle and raw tensors."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = read_pickle(path)

    def metadata(self) -> Metadata:
        """Return the metadata of a gReLU checkpoint; a plain state dict states nothing."""
        if is_checkpoint(self._content):
            return read_checkpoint_metadata(self.path, self._content)
        return Metadata()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """See `WeightsFile`."""
        return _list_shapes(self.path, self._content)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the model's tensors; other parts, such as an optimizer's state, are not read.

        torch does not compare the CRC of what it reads. The members of the model are therefore read
        once before.
        """
        with open_archive(self.path) as archive:
            names = archive.namelist()
            check_members(archive, _find_members(self._content, names))
            stored = all(m.compress_type == zipfile.ZIP_STORED for m in archive.infolist())
        return _load_tensors(self.path, mmap=stored)  # a compressed member cannot be mapped


class LegacyTorchFile:
    """A file written by torch before version 1.6: a stream of pickles."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def metadata(self) -> Metadata:
        """Return empty metadata, which are read from zip files only."""
        return Metadata()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """See `WeightsFile`."""
        return _list_shapes(self.path, read_legacy_pickle(self.path))

    def state_dict(self) -> dict[str, Tensor]:
        """See `WeightsFile`."""
        read_legacy_pickle(self.path)  # within limits, which torch does not have
        return _load_tensors(self.path, mmap=False)


def _find_members(content: object, names: list[str]) -> list[str]:
    """Members of the archive that the model needs: its tensors, and small ones for all tensors."""
    state = content["state_dict"] if is_checkpoint(content) else content
    keys = {
        tensor.key if isinstance(tensor, Unread) else None
        for name, tensor in (state.items() if isinstance(state, dict) else ())
        if not is_checkpoint(content) or is_of_model(name)
    }
    folder = names[0].split("/")[0]
    tensors = f"{folder}/data/"
    needed = {f"{tensors}{key}" for key in keys} if keys and None not in keys else {*names}
    return [name for name in names if name in needed or not name.startswith(tensors)]


def _list_shapes(path: Path, content: object) -> dict[str, tuple[int, ...]]:
    state = _select_state(path, content)
    shapes = {name: tensor.shape for name, tensor in state.items() if isinstance(tensor, Unread)}
    known = {name: shape for name, shape in shapes.items() if shape is not None}
    if len(known) < len(state):
        raise _refuse_state(path)
    return known


def _load_tensors(path: Path, *, mmap: bool) -> dict[str, Tensor]:
    from torch import Tensor

    state = _select_state(path, _load_content(path, mmap=mmap))
    if not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise _refuse_state(path)
    return {name: Tensor.detach(tensor) for name, tensor in state.items()}  # without attributes


def _select_state(path: Path, content: object) -> dict[str, Any]:
    """The model's part of a state dict, or of the one in a checkpoint."""
    state: Any = content["state_dict"] if is_checkpoint(content) else content
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise _refuse_state(path)
    return select_model(path, state) if is_checkpoint(content) else state


def _refuse_state(path: Path) -> ModelError:
    return ModelError(
        f"{path}: not a plain state dict (named tensors): save its model.state_dict() instead"
    )


def _load_content(path: Path, *, mmap: bool) -> object:
    """Load with torch's restricted unpickler, which accepts the same names as `pickles`."""
    import torch

    known: list[SafeGlobal] = [(cast(SafeCall, value), name) for name, value in STAND_INS.items()]
    try:
        with torch.serialization.safe_globals(known):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # a damaged or hostile pickle can raise anything
        named = re.search(r"GLOBAL (\S+)", str(error))
        if named:
            raise refuse(path, named[1]) from None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: no readable weights: {reason}") from error
