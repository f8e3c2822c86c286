"""Structures of an HDF5 file, as h5py writes them by default: superblock 0, object headers 1.

The C library of HDF5 is not used: damaged files can make it crash or loop. Everything here is
bounded by the bytes of the file and by `LARGEST_STRUCTURES`.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from grelu_models.files.limits import show

__all__ = [
    "MAGIC",
    "Damaged",
    "Message",
    "Reader",
    "Refused",
    "Type",
    "read_header",
    "read_root",
    "read_space",
    "read_symbols",
    "read_type",
]

MAGIC = b"\x89HDF\r\n\x1a\n"

LARGEST_STRUCTURES = 64 * 2**20
"""Bytes of all that is not a dataset: headers, names, texts. SpliceAI has 0.2 MB."""

MOST_BLOCKS = 1000
"""Continuations of one object header, and nodes of one group."""

UNDEFINED = 2**64 - 1
SYMBOL = struct.Struct("<QQII16x")
CONTINUATION, SYMBOL_TABLE, SHARED = 0x10, 0x11, 0x02


class Damaged(Exception):
    """The file is not what HDF5 prescribes."""


class Refused(Exception):
    """The file uses a part of HDF5 that Keras does not need, or exceeds a limit."""


class Reader:
    """Random access to a file, which never reads past its end.

    Parameters
    ----------
    file : BinaryIO
        Open and seekable.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, 2)
        self.structures = 0

    def read(self, at: int, size: int) -> bytes:
        """Read bytes of a dataset."""
        if at + size > self.size:
            raise Damaged(f"{size:,} bytes at {at:,} are past its end")
        self.file.seek(at)
        data = self.file.read(size)
        if len(data) < size:
            raise Damaged(f"{size:,} bytes at {at:,} are past its end")
        return data

    def read_structure(self, at: int, size: int) -> bytes:
        """Read bytes of anything else, within `LARGEST_STRUCTURES` in all."""
        self.structures += size + 64
        if self.structures > LARGEST_STRUCTURES:
            raise Refused(f"names and texts of more than {LARGEST_STRUCTURES:,} bytes")
        return self.read(at, size)


@dataclass(frozen=True)
class Message:
    """A message of an object header."""

    kind: int
    flags: int
    data: bytes


@dataclass(frozen=True)
class Type:
    """A datatype.

    Attributes
    ----------
    kind : str
        "number", "text", "variable text", or "other", which is not read.
    size : int
        Bytes of one value in the file.
    dtype : numpy.dtype or None
        Of numbers.
    """

    kind: str
    size: int
    dtype: np.dtype | None = None


def unpack(form: str, data: bytes, at: int = 0) -> tuple[int, ...]:
    """`struct.unpack_from`, with an error of the file."""
    try:
        return struct.unpack_from(f"<{form}", data, at)
    except struct.error:
        raise Damaged("a structure ends early") from None


def read_root(reader: Reader) -> int:
    """Address of the root group's header."""
    start = reader.read_structure(0, 96)
    if not start.startswith(MAGIC):
        raise Damaged("it does not start as an HDF5 file")
    if start[8] != 0:
        raise Refused(f"version {start[8]} of the HDF5 superblock (h5py writes 0 by default)")
    if start[13:15] != b"\x08\x08":
        raise Refused("addresses of other than 8 bytes")
    if unpack("Q", start, 24)[0] != 0:
        raise Refused("a block before the HDF5 data")
    return unpack("Q", start, 64)[0]


def read_header(reader: Reader, at: int) -> list[Message]:
    """All messages of an object header, in order."""
    start = reader.read_structure(at, 16)
    if start[:4] == b"OHDR":
        raise Refused("object headers of version 2 (h5py writes 1 by default)")
    version, count, size = unpack("BxH4xI", start)
    if version != 1:
        raise Damaged(f"no object header at {at:,}")
    blocks, messages, done = [(at + 16, size)], [], 0
    for block, length in blocks:  # grows
        if len(blocks) > MOST_BLOCKS:
            raise Refused(f"an object header of more than {MOST_BLOCKS:,} blocks")
        data, place = reader.read_structure(block, length), 0
        while place + 8 <= length and done < count:
            kind, extent, flags = unpack("HHB", data, place)
            body = data[place + 8 : place + 8 + extent]
            if len(body) < extent:
                raise Damaged("a message of an object header ends early")
            place, done = place + 8 + extent, done + 1
            if kind == CONTINUATION:
                where, more = unpack("QQ", body)
                blocks.append((where, more))
            else:
                messages.append(Message(kind, flags, body))
    return messages


def read_symbols(reader: Reader, message: Message) -> dict[str, int]:
    """Names and header addresses of a group's members.

    Raises
    ------
    Refused
        If a member is a link to another path or file.
    """
    tree, heap = unpack("QQ", message.data)
    names = _read_heap(reader, heap)
    found: dict[str, int] = {}
    nodes = [tree]
    for node in nodes:  # grows
        if len(nodes) > MOST_BLOCKS:
            raise Refused(f"a group of more than {MOST_BLOCKS:,} nodes")
        head = reader.read_structure(node, 24)
        if head[:4] == b"SNOD":
            for name, address in _read_leaf(reader, node, unpack("H", head, 6)[0], names):
                if name in found:
                    raise Damaged(f"two members of a group are named {show(name)}")
                found[name] = address
        elif head[:5] == b"TREE\0":
            count = unpack("H", head, 6)[0]
            keys = reader.read_structure(node + 24, 16 * count + 8)
            nodes += unpack(f"{2 * count}Q", keys)[1::2]
        else:
            raise Damaged(f"no node of a group at {node:,}")
    return found


def _read_leaf(reader: Reader, at: int, count: int, names: bytes) -> list[tuple[str, int]]:
    """Members of one node."""
    data = reader.read_structure(at + 8, SYMBOL.size * count)
    found = []
    for offset, address, cache, _ in SYMBOL.iter_unpack(data):
        end = names.find(b"\0", offset)
        name = decode(names[offset : max(end, 0)])
        if not name or "/" in name:
            raise Damaged("a member of a group has no name")
        if cache == 2 or address == UNDEFINED:
            raise Refused(f"{show(name)} is a link to another path")
        found.append((name, address))
    return found


def _read_heap(reader: Reader, at: int) -> bytes:
    """The names of a group's members."""
    head = reader.read_structure(at, 32)
    if head[:5] != b"HEAP\0":
        raise Damaged(f"no names of a group at {at:,}")
    size, _, data = unpack("QQQ", head, 8)
    return reader.read_structure(data, size)


def decode(data: bytes) -> str:
    """Text in UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Damaged("a text is not UTF-8") from None


def read_space(data: bytes) -> tuple[int, ...]:
    """Shape of a dataset or an attribute; () is one value."""
    version, rank = unpack("BB", data)
    if version not in (1, 2) or rank > 32:
        raise Damaged("a shape of unknown version")
    if version == 2 and data[3:4] == b"\2":
        return (0,)
    return unpack(f"{rank}Q", data, 8 if version == 1 else 4)


FLOATS = {2: (5, 10, 15), 4: (8, 23, 127), 8: (11, 52, 1023)}
"""Bytes -> bits of exponent and of mantissa, and bias, of IEEE floats."""


def read_type(data: bytes) -> Type:
    """Datatype of a dataset or an attribute."""
    kind, bits, size = unpack("BBxxI", data)
    order = ">" if bits & 1 else "<"
    if kind & 15 == 0 and size in (1, 2, 4, 8):
        sign = "i" if bits & 8 else "u"
        return Type("number", size, np.dtype(f"{order}{sign}{size}"))
    if kind & 15 == 1 and size in FLOATS and not bits & 64:
        offset, precision, _, exponent, low, mantissa, bias = unpack("HHBBBBI", data, 8)
        plain = (offset, precision, low) == (0, 8 * size, 0)
        if plain and (exponent, mantissa, bias) == FLOATS[size]:
            return Type("number", size, np.dtype(f"{order}f{size}"))
    if kind & 15 == 3:
        return Type("text", size)
    if kind & 15 == 9 and bits & 15 == 1 and size == 16:
        return Type("variable text", size)
    return Type("other", size)
