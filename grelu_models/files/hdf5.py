"""HDF5 files as Keras writes them: groups, attributes of text, and plain datasets of numbers.

Links to other files or paths, external or virtual storage, and compressed or chunked datasets are
refused. Needs neither h5py nor torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from grelu_models.errors import ModelError
from grelu_models.files import hdf5_format as form
from grelu_models.files.hdf5_format import MAGIC, Damaged, Message, Reader, Refused, Type
from grelu_models.files.limits import show

__all__ = ["MAGIC", "Dataset", "Group", "open_hdf5"]

MOST_OBJECTS = 100_000
"""Groups and datasets of a file. SpliceAI has 600."""

DEEPEST = 32
"""Groups within groups."""

DATASPACE, DATATYPE, EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE = 1, 3, 7, 8, 11, 12
LINK_INFO, LINK, ATTRIBUTE_INFO = 2, 6, 21


@contextmanager
def open_hdf5(path: Path, file: BinaryIO) -> Iterator[Group]:
    """Give the root group of an HDF5 file.

    Parameters
    ----------
    path : Path
        For error messages.
    file : BinaryIO
        Open and seekable; not closed.

    Raises
    ------
    ModelError
        If the file is damaged, uses a part of HDF5 that Keras does not need, or exceeds a limit;
        also for what is read while it is open.
    """
    try:
        content = _Content(Reader(file))
        yield Group(content, "", content.open(form.read_root(content.reader)), 0)
    except Refused as error:
        raise ModelError(
            f"{path}: refused, {error}: load the model in Keras and save it again"
        ) from None
    except (Damaged, OSError) as error:
        raise ModelError(
            f"{path}: no readable weights: damaged or truncated, fetch it again: {error}"
        ) from error


@dataclass
class _Content:
    """What is counted over all objects of a file."""

    reader: Reader
    objects: int = 0
    values: int = 0
    heaps: dict[int, dict[int, bytes]] = field(default_factory=dict)

    def open(self, at: int) -> list[Message]:
        """Messages of an object's header."""
        self.objects += 1
        if self.objects > MOST_OBJECTS:
            raise Refused(f"more than {MOST_OBJECTS:,} groups and datasets")
        return form.read_header(self.reader, at)

    def read_text(self, element: bytes) -> bytes:
        """The text that an element of variable length refers to."""
        length, collection, index = form.unpack("IQI", element)
        if not length:
            return b""
        if collection not in self.heaps:
            self.heaps[collection] = self._read_collection(collection)
        data = self.heaps[collection].get(index, b"")
        if len(data) < length:
            raise Damaged("a text is missing")
        self.reader.structures += length
        return data[:length]

    def _read_collection(self, at: int) -> dict[int, bytes]:
        """Objects of a global heap by index."""
        head = self.reader.read_structure(at, 16)
        if head[:5] != b"GCOL\1":
            raise Damaged(f"no texts at {at:,}")
        size = form.unpack("Q", head, 8)[0]
        data, place, found = self.reader.read_structure(at, size), 16, {}
        while place + 16 <= len(data):
            index, length = form.unpack("H6xQ", data, place)
            if not index:
                break
            found[index] = data[place + 16 : place + 16 + length]
            place += 16 + length + -length % 8
        return found


@dataclass
class Group:
    """A group: named members, and attributes of text.

    Attributes
    ----------
    path : str
        Names from the root, separated by "/".
    """

    _content: _Content
    path: str
    _messages: list[Message]
    _depth: int

    def list_members(self) -> list[str]:
        """Names of the members, in the order of the file (by name)."""
        return list(self._members)

    def get(self, path: str) -> Group | Dataset | None:
        """Return the member at a path of names separated by "/", or None."""
        first, _, rest = path.partition("/")
        at = self._members.get(first)
        if at is None:
            return None
        member = self._open(first, at)
        if not rest:
            return member
        return member.get(rest) if isinstance(member, Group) else None

    def get_group(self, path: str) -> Group | None:
        """Return the group at a path, or None if there is none."""
        member = self.get(path)
        return member if isinstance(member, Group) else None

    def walk(self) -> Iterator[Dataset]:
        """All datasets below this group."""
        for name, at in self._members.items():
            member = self._open(name, at)
            if isinstance(member, Group):
                yield from member.walk()
            else:
                yield member

    def get_texts(self, name: str) -> list[str] | None:
        """Return the texts of an attribute; None if it does not exist, [] if it is not of text."""
        found = self._attributes.get(name)
        if found is not None:
            kind, space, data = found
            return self._read_texts(form.read_type(kind), form.read_space(space), data)
        if any(message.kind == ATTRIBUTE_INFO for message in self._messages):
            raise Refused("attributes in the newer layout of HDF5")
        return None

    @cached_property
    def _attributes(self) -> dict[str, tuple[bytes, bytes, bytes]]:
        """Name of an attribute -> bytes of its type, shape and values."""
        return dict(_split_attribute(m.data) for m in self._messages if m.kind == ATTRIBUTE)

    @cached_property
    def _members(self) -> dict[str, int]:
        for message in self._messages:
            if message.kind in (LINK_INFO, LINK):
                raise Refused("links in the newer layout of HDF5")
            if message.kind == form.SYMBOL_TABLE:
                return form.read_symbols(self._content.reader, message)
        return {}

    def _open(self, name: str, at: int) -> Group | Dataset:
        if self._depth >= DEEPEST:
            raise Refused(f"more than {DEEPEST} groups within groups")
        path = f"{self.path}/{name}".strip("/")
        messages = self._content.open(at)
        if any(message.kind == LAYOUT for message in messages):
            return Dataset(self._content, path, messages)
        return Group(self._content, path, messages, self._depth + 1)

    def _read_texts(self, kind: Type, shape: tuple[int, ...], data: bytes) -> list[str]:
        count = math.prod(shape)
        if kind.kind not in ("text", "variable text") or not count:
            return []
        if count * kind.size > len(data) or not kind.size:
            raise Damaged("an attribute ends early")
        parts = [data[i * kind.size : (i + 1) * kind.size] for i in range(count)]
        if kind.kind == "variable text":
            parts = [self._content.read_text(part) for part in parts]
        return [form.decode(part.rstrip(b"\0")) for part in parts]


def _split_attribute(data: bytes) -> tuple[str, tuple[bytes, bytes, bytes]]:
    """Name of an attribute, and the bytes of its type, shape and values."""
    version, flags, *sizes = form.unpack("BBHHH", data)
    if version not in (1, 2, 3):
        raise Damaged("an attribute of unknown version")
    if version > 1 and flags:
        raise Refused("an attribute of a shared type")
    place, parts = 9 if version == 3 else 8, []
    for size in sizes:
        parts.append(data[place : place + size])
        place += size + (-size % 8 if version == 1 else 0)
    return form.decode(parts[0].split(b"\0")[0]), (parts[1], parts[2], data[place:])


@dataclass
class Dataset:
    """A dataset of numbers.

    Attributes
    ----------
    path : str
        Names from the root, separated by "/".
    """

    _content: _Content
    path: str
    _messages: list[Message]

    def _find(self, kind: int) -> Message:
        for message in self._messages:
            if message.kind == kind:
                if message.flags & form.SHARED:
                    raise Refused(f"{show(self.path)} has a shared type")
                return message
        raise Damaged(f"{show(self.path)} has no type, shape or values")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape; () is one value."""
        return form.read_space(self._find(DATASPACE).data)

    def read(self) -> np.ndarray:
        """Return a copy of the values, in the byte order of the machine.

        Raises
        ------
        Refused, Damaged
            Both become a ModelError in `open_hdf5`.
        """
        for message in self._messages:
            if message.kind in (EXTERNAL, FILTERS):
                what = "stored in another file" if message.kind == EXTERNAL else "compressed"
                raise Refused(f"{show(self.path)} is {what}")
        kind, shape = form.read_type(self._find(DATATYPE).data), self.shape
        if kind.dtype is None:
            raise Refused(f"{show(self.path)} is not of plain numbers")
        if max(shape, default=0) > self._content.reader.size:
            raise Damaged(f"{show(self.path)} is larger than the file")
        data = bytearray(self._read_bytes(math.prod(shape) * kind.size))
        values = np.frombuffer(data, kind.dtype).reshape(shape)
        return values.astype(kind.dtype.newbyteorder("="), copy=False)

    def _read_bytes(self, size: int) -> bytes:
        """The bytes of the values. All datasets together cannot have more than the file."""
        self._content.values += size
        if self._content.values > self._content.reader.size:
            raise Damaged("its datasets are larger than the file, or overlap")
        layout = self._find(LAYOUT).data
        version, way = form.unpack("BB", layout)
        if version != 3 or way > 1:
            raise Refused(f"{show(self.path)} is chunked or virtual")
        if not size:
            return b""
        if way == 0:
            data = layout[4 : 4 + form.unpack("H", layout, 2)[0]]
            if len(data) < size:
                raise Damaged(f"{show(self.path)} ends early")
            return data[:size]
        at, stored = form.unpack("QQ", layout, 2)
        if stored < size or at == form.UNDEFINED:
            raise Damaged(f"{show(self.path)} has no values")
        return self._content.reader.read(at, size)
