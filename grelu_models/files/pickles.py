"""The pickle inside a torch file, read without torch and without executing any of it.

A pickle may import any name and call it. Here, a name is looked up in `STAND_INS` only: numbers and
text become plain Python values, tensors become empty placeholders.
"""

import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, cast

from grelu_models.errors import ModelError
from grelu_models.files.archive import open_archive
from grelu_models.files.pickle_machine import PickleLimit, PickleMachine

__all__ = ["STAND_INS", "Unread", "read_legacy_pickle", "read_pickle", "refuse"]

LARGEST = 64 * 2**20
"""Bytes of the largest pickle that is read; tensors are stored outside of it. That of a model of
7,611 tracks (11 columns) with 70,000 training intervals has 6.4 MB."""

LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The first pickle in a file of torch before version 1.6."""


OF_MODULES = (b"_parameters", b"_modules", b"_buffers")
"""Attributes of every torch module, as pickled."""


class Unread:
    """Placeholder of a tensor, a storage or a device.

    Attributes
    ----------
    key : str or None
        Name of the storage of a tensor; None if it is not known.
    shape : tuple of int or None
        Of a tensor; None if it is not known.
    """

    def __new__(cls, *parts: object) -> "Unread":
        """Take over the key of the first part: a tensor is made of its storage.

        The other parts of a tensor are its offset in the storage, its shape, and its strides.
        """
        made = super().__new__(cls)
        first = parts[0] if parts and isinstance(parts[0], Unread) else None
        made.key = first.key if first else None
        made.shape = first.shape if first else None
        if len(parts) > 2 and _is_shape(parts[2]):
            made.shape = parts[2]
        return made

    def __init__(self, *_: object) -> None:
        self.key: str | None
        self.shape: tuple[int, ...] | None

    def __setstate__(self, _: object) -> None:
        pass

    def __repr__(self) -> str:
        return "(not read)"


def _is_shape(value: object) -> TypeGuard[tuple[int, ...]]:
    return isinstance(value, tuple) and all(type(size) is int and size >= 0 for size in value)


@dataclass(frozen=True)
class StorageType:
    """Placeholder of a type of storage, with the bytes of a value."""

    itemsize: int


class PlainType:
    """A pickled numpy dtype: a code such as f4, and the byte order."""

    def __init__(self, code: str, *_: object) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def read(self, data: object, *, count: int = -1) -> list[Any] | None:
        """Return the first values of raw bytes; None for types that are not numbers or text."""
        import numpy as np  # takes as long to import as the rest of this file

        plain = re.fullmatch(r"b1|[iu][1248]|f[248]|[SU][1-9]\d*", self.code)
        if not plain or self.order not in ("<", ">", "=", "|") or not isinstance(data, bytes):
            return None
        return cast(list[Any], np.frombuffer(data, self.order + self.code, count).tolist())


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
    values = kind.read(data, count=1)
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


def _list_torch_names() -> dict[str, object]:
    rebuilders = "tensor tensor_v2 tensor_v3 parameter parameter_with_state".split()
    dtypes = (
        "float16 float32 float64 bfloat16 bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 "
        "complex64 complex128 float8_e4m3fn float8_e5m2"
    ).split()
    others = "Size device Tensor nn.parameter.Parameter".split()
    names = [*(f"_utils._rebuild_{name}" for name in rebuilders), *dtypes, *others]
    return {f"torch.{name}": Unread for name in names} | {
        f"torch.{name}Storage": StorageType(size)
        for name, size in {
            **{"Float": 4, "Double": 8, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2},
            **{"Char": 1, "Byte": 1, "Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16},
            "storage.Untyped": 1,
        }.items()
    }


STAND_INS: dict[str, object] = _list_stand_ins()
"""`module.name` -> its replacement, here and in torch's unpickler (see `torch_file`)."""

TORCH_NAMES = _list_torch_names()
"""`module.name` of the objects that torch pickles for tensors -> a placeholder."""


def find_name(path: Path, module: str, name: str) -> object:
    """Return the replacement of a name; nothing is imported."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    full = f"{module}.{name}"
    if full in TORCH_NAMES:
        return TORCH_NAMES[full]
    if full not in STAND_INS:
        raise refuse(path, full)
    return STAND_INS[full]


def refuse(path: Path, name: str) -> ModelError:
    """Return the error for a pickle that refers to a name which could run code."""
    return ModelError(
        f"{path}: refused, its pickle refers to {name}: only tensors and plain values are read; "
        "save the state_dict as .safetensors instead"
    )


def _refuse_module(path: Path, name: str) -> ModelError:
    """Return the error for a pickled module, with the lines that make a state dict of it."""
    stem = f"{path.stem}.state_dict" if path.suffix == ".pt" else path.stem  # keeps the file
    return ModelError(
        f"{path}: refused, it is a whole pickled module ({name}), which runs code when it is "
        "loaded: if you trust it, make a state dict of it where its package is installed: "
        f'model = torch.load("{path.name}", map_location="cpu", weights_only=False); '
        f'torch.save(model.state_dict(), "{stem}.pt")'
    )


def read_pickle(path: Path) -> object:
    """Read the object that `torch.save` wrote to a zip file, without its tensors.

    Raises
    ------
    ModelError
        If the file is damaged or exceeds a limit, its pickle refers to a name which is not in
        `STAND_INS`, or a tensor is not stored with the size that the pickle states.
    """
    with open_archive(path) as archive:
        found = [m for m in archive.infolist() if re.fullmatch(r"[^/]+/data\.pkl", m.filename)]
        if len(found) != 1:
            raise ModelError(f"{path}: no readable weights: a zip file not written by torch")
        if found[0].file_size > LARGEST:
            raise ModelError(
                f"{path}: refused, its pickle is {found[0].file_size:,} bytes "
                f"(at most {LARGEST:,}): save the state_dict as .safetensors instead"
            )
        pickled = archive.read(found[0])
        folder = found[0].filename.removesuffix(".pkl")
        sizes = {
            member.filename.removeprefix(f"{folder}/"): member.file_size
            for member in archive.infolist()
            if member.filename.startswith(f"{folder}/")
        }
    return _run(path, pickled, sizes, number=1)[0]


def read_legacy_pickle(path: Path) -> object:
    """Read the object that torch before version 1.6 wrote, without its tensors.

    Such a file has five pickles: a fixed number, the version, the machine, the object, and the keys
    of its storages, whose values follow.

    Raises
    ------
    ModelError
        See `read_pickle`.
    """
    with path.open("rb") as file:
        pickled = file.read(LARGEST)
    if not pickled.startswith(LEGACY):
        if pickled.startswith(b"\x80"):  # a pickle, whose names explain best why it is refused
            _run(path, pickled, None, number=1)
        raise ModelError(f"{path}: no readable weights: neither safetensors, Keras nor torch")
    return _run(path, pickled, None, number=5)[3]


def _run(path: Path, pickled: bytes, sizes: dict[str, int] | None, *, number: int) -> list[object]:
    """Load consecutive pickles.

    `sizes` are the bytes of each storage; None for a legacy file, which has them all at its end.
    """
    left = path.stat().st_size
    known: dict[str, int] = {}

    def load_storage(pid: object) -> Unread:
        """Return a placeholder for a storage, whose values are not read."""
        nonlocal left
        match pid:
            case ("storage", StorageType(itemsize), str(key), str(), int(count), *_) if count >= 0:
                stated = count * itemsize
            case _:
                raise ValueError("it refers to something that is not a storage")
        if key not in known and sizes is None:
            left -= stated
        found = stated if sizes is None else sizes.get(key)
        if found != stated or known.setdefault(key, stated) != stated or left < 0:
            raise ValueError(f"the storage {key} is not stored with its {stated:,} bytes")
        made = Unread()
        made.key = key
        return made

    def find(module: str, name: str) -> object:
        """Find a name. If it is the class of the object, and that is a module, say so."""
        try:
            return find_name(path, module, name)
        except ModelError:
            outermost = not machine.stack and not machine.marked
            if outermost and all(attribute in pickled for attribute in OF_MODULES):
                raise _refuse_module(path, f"{module}.{name}") from None
            raise

    machine = PickleMachine(pickled, find=find, load_storage=load_storage)
    try:
        return [machine.load() for _ in range(number)]
    except ModelError:
        raise
    except PickleLimit as error:
        raise ModelError(
            f"{path}: refused, its pickle {error}: save the state_dict as .safetensors instead"
        ) from error
    except Exception as error:  # a damaged or hostile pickle can raise anything
        reason = f"{type(error).__name__} {error}".strip()
        raise ModelError(f"{path}: no readable weights: its pickle is damaged: {reason}") from error
