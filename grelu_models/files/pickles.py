"""The pickle inside a torch file, read without torch and without executing any of it.

A pickle may import any name and call it. Here, a name is looked up in `STAND_INS` only: numbers and
text become plain Python values, tensors become empty placeholders.
"""

import pickle
import re
import zipfile
import zlib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from grelu_models.errors import ModelError

__all__ = ["STAND_INS", "Unread", "read_pickle", "refuse"]

LARGEST = 512 * 2**20
"""Bytes of the largest pickle that is read; tensors are stored outside of it."""


class Unread:
    """Placeholder of a tensor, a storage or a device."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass

    def __repr__(self) -> str:
        return "(not read)"


class PlainType:
    """A pickled numpy dtype: a code such as f4, and the byte order."""

    def __init__(self, code: str, *_: object) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def read(self, data: object) -> list[Any] | None:
        """Return the values of raw bytes; None for types that are not numbers or text."""
        import numpy as np  # takes as long to import as the rest of this file

        plain = re.fullmatch(r"b1|[iu][1248]|f[248]|[SU][1-9]\d*", self.code)
        if not plain or self.order not in ("<", ">", "=", "|") or not isinstance(data, bytes):
            return None
        return cast(list[Any], np.frombuffer(data, self.order + self.code).tolist())


class PlainArray(list[Any]):
    """The values of a numpy array of any shape as a flat list; empty for other types."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, _, kind, _, data = state
        self.extend(data if isinstance(data, list) else kind.read(data) or ())


def make_array(*_: object) -> PlainArray:
    """Replace numpy's `_reconstruct`; the values follow as the state of the array."""
    return PlainArray()


def make_scalar(kind: PlainType, data: object = b"") -> object:
    """Replace numpy's `scalar`: return a plain value."""
    if kind.code.startswith("O"):
        return data
    values = kind.read(data)
    return values[0] if values else Unread()


def make_bytes(text: str = "", _: str = "latin1") -> bytes:
    """Replace `_codecs.encode` and `bytes`, which old pickle protocols call for raw bytes."""
    return text.encode("latin1")


def make_path(*parts: str) -> str:
    """Replace a path by its text."""
    return "/".join(str(part) for part in parts)


def _list_stand_ins() -> dict[str, object]:
    known: dict[str, object] = {
        "collections.OrderedDict": OrderedDict,
        "builtins.set": set,
        "builtins.bytes": make_bytes,
        "_codecs.encode": make_bytes,
        "numpy.dtype": PlainType,
        "numpy.ndarray": PlainArray,
        "pandas.NA": None,
        "pandas._libs.missing.NA": None,
    }
    for package in ("numpy.core", "numpy._core"):
        known[f"{package}.multiarray._reconstruct"] = make_array
        known[f"{package}.multiarray.scalar"] = make_scalar
    for module in ("pathlib", "pathlib._local"):
        for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"):
            known[f"{module}.{kind}"] = make_path
    for module in (
        "pytorch_lightning.utilities.parsing",
        "lightning.pytorch.utilities.parsing",
        "lightning_fabric.utilities.data",
        "lightning.fabric.utilities.data",
    ):
        known[f"{module}.AttributeDict"] = dict
    return known


def _list_torch_names() -> list[str]:
    rebuilders = "tensor tensor_v2 tensor_v3 parameter parameter_with_state".split()
    storages = (
        "Float Double Half BFloat16 Long Int Short Char Byte Bool ComplexFloat ComplexDouble"
    ).split()
    dtypes = (
        "float16 float32 float64 bfloat16 bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 "
        "complex64 complex128 float8_e4m3fn float8_e5m2"
    ).split()
    others = "Size device Tensor nn.parameter.Parameter storage.UntypedStorage".split()
    names = [f"_utils._rebuild_{name}" for name in rebuilders]
    names += [f"{name}Storage" for name in storages]
    return [f"torch.{name}" for name in (*names, *dtypes, *others)]


STAND_INS: dict[str, object] = _list_stand_ins()
"""`module.name` -> its replacement, here and in torch's unpickler (see `torch_file`)."""

TORCH_NAMES = frozenset(_list_torch_names())
"""`module.name` of the objects that torch pickles for tensors; each is replaced by `Unread`."""


class PlainUnpickler(pickle.Unpickler):
    """Unpickles plain values; an unknown name is an error."""

    def __init__(self, file: BytesIO, path: Path) -> None:
        super().__init__(file)
        self.path = path

    def find_class(self, module: str, name: str) -> object:
        """Return the replacement of a name; nothing is imported."""
        module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        full = f"{module}.{name}"
        if full in TORCH_NAMES:
            return Unread
        if full not in STAND_INS:
            raise refuse(self.path, full)
        return STAND_INS[full]

    def persistent_load(self, _: object) -> Unread:
        """Return a placeholder for a storage, whose bytes are not read."""
        return Unread()


def refuse(path: Path, name: str) -> ModelError:
    """Return the error for a pickle that refers to a name which could run code."""
    return ModelError(
        f"{path}: refused, its pickle refers to {name}: only tensors and plain values are read; "
        "save the state_dict as .safetensors instead"
    )


def read_pickle(path: Path) -> object:
    """Read the object that `torch.save` wrote, without its tensors.

    Parameters
    ----------
    path : Path
        A zip file.

    Returns
    -------
    object
        Dicts, lists, tuples and plain values; `Unread` in place of anything else.

    Raises
    ------
    ModelError
        If the file is damaged, or its pickle refers to a name which is not in `STAND_INS`.
    """
    pickled = _extract_pickle(path)
    try:
        return PlainUnpickler(BytesIO(pickled), path).load()
    except ModelError:
        raise
    except Exception as error:  # a damaged or hostile pickle can raise anything
        reason = f"{type(error).__name__} {error}".strip()
        raise ModelError(f"{path}: no readable weights: its pickle is damaged: {reason}") from error


def _extract_pickle(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            found = [m for m in archive.infolist() if re.fullmatch(r"[^/]+/data\.pkl", m.filename)]
            if len(found) != 1:
                raise ModelError(f"{path}: no readable weights: a zip file not written by torch")
            if found[0].file_size > LARGEST:
                raise ModelError(
                    f"{path}: refused, its pickle is {found[0].file_size:,} bytes "
                    f"(at most {LARGEST:,}): save the state_dict as .safetensors instead"
                )
            return archive.read(found[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise ModelError(
            f"{path}: no readable weights: damaged or truncated, fetch it again: {error}"
        ) from error
