"""Weights files of any format: opened once, then read for their metadata and their tensors.

To add a format, write a class with the methods of `WeightsFile`, in a separate module, and add a
row to `FORMATS`. Nothing in a file is executed, and torch is imported only to read tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from grelu_models.errors import ModelError
from grelu_models.files.keras_file import KerasFile, is_keras_h5, is_keras_zip
from grelu_models.files.metadata import Metadata
from grelu_models.files.paths import is_file
from grelu_models.files.program_file import (
    ProgramFile,
    is_program,
    is_torchscript,
    refuse_torchscript,
)
from grelu_models.files.safetensors_file import SafetensorsFile
from grelu_models.files.torch_file import LegacyTorchFile, TorchZipFile

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FORMATS", "Format", "WeightsFile", "open_weights"]

HEAD = 16
"""Bytes at the start of a file by which its format is recognised."""


class WeightsFile(Protocol):
    """An open weights file."""

    path: Path

    def metadata(self) -> Metadata:
        """Return the metadata in the file itself, without importing torch.

        Raises
        ------
        ModelError
            If the metadata are contradictory.
        """

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the model's tensors by name, without importing torch.

        Raises
        ------
        ModelError
            See `state_dict`.
        """

    def state_dict(self) -> dict[str, Tensor]:
        """Return the tensors of the model by name, on the CPU.

        Raises
        ------
        ModelError
            If the file is damaged or does not contain named tensors.
        """


class Format(NamedTuple):
    """A format of weights files.

    Attributes
    ----------
    matches : callable
        (path, first `HEAD` bytes of the file) -> whether it has this format.
    open : callable
        Opens a file of this format.
    """

    matches: Callable[[Path, bytes], bool]
    open: Callable[[Path], WeightsFile]


FORMATS = {
    "safetensors": Format(lambda path, _: path.suffix == ".safetensors", SafetensorsFile),
    "Keras h5": Format(is_keras_h5, KerasFile),
    "Keras zip": Format(is_keras_zip, lambda path: KerasFile(path, zipped=True)),
    "torch.export": Format(is_program, ProgramFile),
    "TorchScript": Format(is_torchscript, refuse_torchscript),
    "torch zip": Format(lambda _, head: head.startswith(b"PK\x03\x04"), TorchZipFile),
    "torch before 1.6": Format(lambda _, __: True, LegacyTorchFile),  # no magic number
}
"""By name; the first that matches is used."""


def open_weights(path: Path) -> WeightsFile:
    """Open a local weights file of any known format.

    Raises
    ------
    ModelError
        If the file does not exist or cannot be read, or its pickle refers to a name that could run
        code.

    Examples
    --------
    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "toy.pt"
    ...     torch.save({"weight": torch.ones(2)}, path)
    ...     file = open_weights(path)
    ...     file.state_dict(), file.metadata() == Metadata()
    ({'weight': tensor([1., 1.])}, True)
    """
    if not is_file(path):
        raise ModelError(f"{path}: no such weights file: check model.weights")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise ModelError(f"{path}: no readable weights: {error.strerror}") from error
    return next(each.open for each in FORMATS.values() if each.matches(path, head))(path)
