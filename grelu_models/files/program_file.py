"""Files of `torch.export.save` (`.pt2`) and of TorchScript: recognised, and read without running.

The archive of a program holds JSON and raw tensors. Its pickles (sample inputs) are not read, and a
program whose tensors are pickled is refused. Needs no torch, except to make the tensors.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from grelu_models.errors import ModelError
from grelu_models.files.archive import open_archive
from grelu_models.files.limits import show
from grelu_models.files.metadata import Metadata
from grelu_models.files.program import Program, read_program

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DTYPES", "PROGRAM", "ProgramFile", "is_program", "is_torchscript", "refuse_torchscript"]

PROGRAM = "torch-export"
"""The `model_type` of these files."""

LARGEST = 64 * 2**20
"""Bytes of the largest JSON in the archive. Most of it are notes on the source code."""

DTYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    12: "bool",
    13: "bfloat16",
}
"""Number in the format -> torch's name."""

AGAIN = "export it again: torch.export.save(torch.export.export(model, (windows,)), 'model.pt2')"


def is_program(path: Path, head: bytes) -> bool:
    """Whether a file is a zip of `torch.export.save`, of any version."""
    names = _list_members(path, head)
    return any(name in ("archive_format", "serialized_exported_program.json") for name in names)


def is_torchscript(path: Path, head: bytes) -> bool:
    """Whether a file is a zip of `torch.jit.save`."""
    names = _list_members(path, head)
    return "constants.pkl" in names or any(name.startswith("code/") for name in names)


def _list_members(path: Path, head: bytes) -> set[str]:
    """Names in a zip, without its folder; empty for any other file."""
    if not head.startswith(b"PK\x03\x04"):
        return set()
    try:
        with open_archive(path) as archive:
            names = archive.namelist()
    except ModelError:
        return set()  # the reader of torch files says what is wrong
    return {name.partition("/")[2] or name for name in names}


def refuse_torchscript(path: Path) -> NoReturn:
    """Refuse a file of `torch.jit.save`: it is code, and loading it runs some of it."""
    raise ModelError(
        f"{path}: refused, a TorchScript file is code: torch.jit.load runs its __setstate__, "
        "and its operators may open files: export the module with torch.export instead, or "
        "trust the file and load it yourself: 'def build(weights): return "
        "torch.jit.load(weights)' in my_module.py, and model.python: my_module:build"
    )


@dataclass(frozen=True)
class Stored:
    """Where a tensor is in the archive."""

    member: str
    dtype: str
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


class ProgramFile:
    """A file of `torch.export.save`.

    Attributes
    ----------
    path : Path
    program : Program
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_archive(path) as archive:
            root = archive.namelist()[0].split("/")[0]
            self._folder = f"{root}/data"
            if f"{root}/archive_format" not in archive.namelist():
                raise self._refuse_old()
            programs = [n for n in archive.namelist() if n.startswith(f"{root}/models/")]
            if len(programs) != 1:
                raise ModelError(f"{path}: it holds {len(programs)} programs: save one in a file")
            self.program: Program = read_program(str(path), self._read(archive, programs[0]))
            name = Path(programs[0]).stem
            self._stored = self._place(archive, "weights", name)
            self._stored |= self._place(archive, "constants", name)
        missing = sorted(set(self.program.tensors.values()) - self._stored.keys())
        if missing:
            raise ModelError(f"{path}: the file has no tensor {show(missing[0])}: save it again")

    @cached_property
    def window(self) -> int | None:
        """Base pairs of a window; None if the program takes any length."""
        return self.program.sizes[1 if self.layout == "NLC" else 2]

    @cached_property
    def layout(self) -> Literal["NCL", "NLC"]:
        """`NCL` or `NLC`, by which axis of the input has the four bases."""
        sizes = self.program.sizes
        if len(sizes) != 3 or sizes[1:].count(4) != 1:
            raise ModelError(
                f"{self.path}: the program takes an input of shape {_show_sizes(sizes)}, where one "
                "of (windows, 4, bases) or (windows, bases, 4) is wanted"
            )
        return "NCL" if sizes[1] == 4 else "NLC"

    def metadata(self) -> Metadata:
        """Return the type and the window of the program."""
        return Metadata(architecture={"model_type": PROGRAM}, window=self.window)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """See `WeightsFile`."""
        return {name: self._stored[name].sizes for name in self.program.tensors.values()}

    def state_dict(self) -> dict[str, Tensor]:
        """Return the tensors of the program; their CRCs are compared."""
        wanted = dict.fromkeys(self.program.tensors.values())
        with open_archive(self.path) as archive:
            return {name: self._make(archive, name, self._stored[name]) for name in wanted}

    def _refuse_old(self) -> ModelError:
        return ModelError(
            f"{self.path}: a program of torch 2.7 or older has pickled tensors: {AGAIN}"
        )

    def _read(self, archive: zipfile.ZipFile, member: str) -> bytes:
        size = archive.getinfo(member).file_size
        if size > LARGEST:
            raise ModelError(
                f"{self.path}: refused, {member} is {size:,} bytes (at most {LARGEST:,})"
            )
        return archive.read(member)

    def _place(self, archive: zipfile.ZipFile, kind: str, model: str) -> dict[str, Stored]:
        """Find the tensors of a kind, `weights` or `constants`."""
        folder = f"{self._folder}/{kind}"
        member = f"{folder}/{model}_{kind}_config.json"
        if member not in archive.namelist():
            raise self._refuse_old()
        config = json.loads(self._read(archive, member))["config"]
        return {name: self._place_one(folder, name, each) for name, each in config.items()}

    def _place_one(self, folder: str, name: str, each: dict[str, Any]) -> Stored:
        meta = each["tensor_meta"]
        if each["use_pickle"] is not False or meta is None:
            raise ModelError(
                f"{self.path}: refused, {show(name)} is a pickled object, and reading it could run "
                f"code: save plain tensors only: {AGAIN}"
            )
        if meta["dtype"] not in DTYPES:
            raise ModelError(f"{self.path}: {show(name)} has a dtype that is not read: save floats")
        return Stored(
            member=f"{folder}/{each['path_name']}",
            dtype=DTYPES[meta["dtype"]],
            sizes=_read_lengths(meta["sizes"]),
            strides=_read_lengths(meta["strides"]),
            offset=_read_lengths([meta["storage_offset"]])[0],
        )

    def _make(self, archive: zipfile.ZipFile, name: str, stored: Stored) -> Tensor:
        import torch

        dtype = getattr(torch, stored.dtype)
        data = archive.read(stored.member) if math.prod(stored.sizes) else b""
        held, last = len(data) // dtype.itemsize, stored.offset
        last += sum((n - 1) * step for n, step in zip(stored.sizes, stored.strides, strict=True))
        if not math.prod(stored.sizes):
            return torch.zeros(stored.sizes, dtype=dtype)
        if last >= held or math.prod(stored.sizes) > held:
            raise ModelError(
                f"{self.path}: {show(name)} has {math.prod(stored.sizes):,} values, of which the "
                f"file holds {held:,}: save it again"
            )
        flat = torch.frombuffer(bytearray(data), dtype=dtype, count=held)
        return flat.as_strided(stored.sizes, stored.strides, stored.offset).contiguous()


def _read_lengths(sizes: list[dict[str, Any]]) -> tuple[int, ...]:
    found = tuple(size["as_int"] for size in sizes)
    if any(type(each) is not int or not 0 <= each < 2**40 for each in found) or len(found) > 25:
        raise ValueError(f"impossible sizes {show(found)}")
    return found


def _show_sizes(sizes: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in sizes)})"
