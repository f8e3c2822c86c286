"""The bigWig container's parts as bytes: header, contig tree, index. Pure packing, no I/O.

Source: Kent et al. 2010, doi:10.1093/bioinformatics/btq351, and its supplement. All little-endian.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import deflate
import numpy as np
import numpy.typing as npt

MAGIC = 0x888FFC26
CONTIG_TREE_MAGIC = 0x78CA8C91
INDEX_MAGIC = 0x2468ACE0
HEADER_SIZE = 64
ZOOM_HEADER_SIZE = 24
SUMMARY_SIZE = 40
SECTION_HEADER = struct.Struct("<IIIIIBBH")
FIXED_STEP = 3
FANOUT = 256

ZOOM_RECORD = np.dtype(
    [
        ("contig", "<u4"),
        ("start", "<u4"),
        ("end", "<u4"),
        ("valid", "<u4"),
        ("min", "<f4"),
        ("max", "<f4"),
        ("sum", "<f4"),
        ("squares", "<f4"),
    ]
)
SPAN = [("contig", "<u4"), ("start", "<u4"), ("end_contig", "<u4"), ("end", "<u4")]
LEAF = np.dtype([*SPAN, ("offset", "<u8"), ("size", "<u8")])
BRANCH = np.dtype([*SPAN, ("offset", "<u8")])


@dataclass
class Summary:
    """Statistics over all covered bases of a file, in the order in which the header holds them."""

    covered: int = 0
    min: float = math.inf
    max: float = -math.inf
    sum: float = 0.0
    squares: float = 0.0

    def pack(self) -> bytes:
        """The header's summary; all zeros if no base is covered."""
        low, high = (self.min, self.max) if self.covered else (0.0, 0.0)
        return struct.pack("<Qdddd", self.covered, low, high, self.sum, self.squares)


def pack_header(
    *,
    zooms: list[tuple[int, int, int]],
    contig_tree: int,
    data: int,
    index: int,
    block_size: int,
    summary: Summary,
) -> bytes:
    """Pack the file header, the zoom headers and the total summary, one after the other.

    Parameters
    ----------
    zooms : list of (reduction in bp, data offset, index offset)
    contig_tree, data, index : int
        File offsets.
    block_size : int
        Bytes of the largest block before compression.
    summary : Summary
    """
    at_summary = HEADER_SIZE + ZOOM_HEADER_SIZE * len(zooms)
    header = struct.pack(
        "<IHHQQQHHQQIQ",
        MAGIC,
        4,
        len(zooms),
        contig_tree,
        data,
        index,
        0,
        0,
        0,
        at_summary,
        block_size,
        0,
    )
    rows = b"".join(struct.pack("<IIQQ", size, 0, at, tree) for size, at, tree in zooms)
    return header + rows + summary.pack()


def pack_contig_tree(contigs: Mapping[str, int], *, offset: int) -> bytes:
    """Pack the B+ tree of contigs; ids follow the given order, which must be sorted by name.

    Parameters
    ----------
    contigs : mapping
        Name -> length in bp.
    offset : int
        File offset of the tree.
    """
    names = [name.encode() for name in contigs]
    key_size = max(map(len, names), default=1)
    leaves = np.zeros(len(names), [("key", f"S{key_size}"), ("id", "<u4"), ("length", "<u4")])
    leaves["key"], leaves["id"] = names, np.arange(len(names))
    leaves["length"] = list(contigs.values())
    return pack_key_tree(leaves, offset=offset)


def pack_key_tree(leaves: npt.NDArray[Any], *, offset: int) -> bytes:
    """Pack a B+ tree.

    Parameters
    ----------
    leaves : structured array (n,)
        Fields: `key` (bytes), by which the items are sorted, and the values of the item.
    offset : int
        File offset of the tree.
    """
    key_size = leaves.dtype["key"].itemsize
    value_size = leaves.dtype.itemsize - key_size
    fanout = min(FANOUT, max(len(leaves), 1))
    head = struct.pack("<IIIIQQ", CONTIG_TREE_MAGIC, fanout, key_size, value_size, len(leaves), 0)
    branch = np.dtype([("key", f"S{key_size}"), ("offset", "<u8")])
    levels: list[npt.NDArray[Any]] = [leaves]
    while len(levels[0]) > fanout:
        nodes = np.zeros(-(-len(levels[0]) // fanout), branch)
        nodes["key"] = levels[0]["key"][::fanout]
        levels.insert(0, nodes)
    return head + _pack_levels(levels, fanout=fanout, offset=offset + len(head))


def pack_index(items: npt.NDArray[Any], *, offset: int, data_end: int) -> bytes:
    """Pack the R tree over blocks in the order of their starts; blocks of a bigBed may overlap.

    Parameters
    ----------
    items : LEAF array (n,)
    offset : int
        File offset of the index.
    data_end : int
        End of the indexed blocks in the file.
    """
    first = items[0] if len(items) else np.zeros((), LEAF)
    last = _find_last_ends(items, np.zeros(min(len(items), 1), np.int64))[-1:]
    end_contig, end = divmod(int(last[0]) if len(last) else 0, 1 << 32)
    head = struct.pack(
        "<IIQIIIIQII",
        INDEX_MAGIC,
        FANOUT,
        len(items),
        int(first["contig"]),
        int(first["start"]),
        end_contig,
        end,
        data_end,
        1,
        0,
    )
    levels = [items]
    while len(levels[0]) > FANOUT:
        below = levels[0]
        begin = np.arange(0, len(below), FANOUT)
        nodes = np.zeros(len(begin), BRANCH)
        nodes["contig"], nodes["start"] = below["contig"][begin], below["start"][begin]
        nodes["end_contig"], nodes["end"] = np.divmod(_find_last_ends(below, begin), 1 << 32)
        levels.insert(0, nodes)
    return head + _pack_levels(levels, fanout=FANOUT, offset=offset + len(head))


def _find_last_ends(items: npt.NDArray[Any], begin: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The last end in each run of items, as contig * 2**32 + bp."""
    ends = items["end_contig"].astype(np.int64) << 32 | items["end"].astype(np.int64)
    return np.maximum.reduceat(ends, begin) if len(begin) else ends[:0]


def _pack_levels(levels: list[npt.NDArray[Any]], *, fanout: int, offset: int) -> bytes:
    """Pack a tree from its root to its leaves; every node is full, except a level's last."""
    out = []
    for depth, items in enumerate(levels):
        nodes = max(-(-len(items) // fanout), 1)
        size = nodes * 4 + items.nbytes
        if depth + 1 < len(levels):
            below = levels[depth + 1]
            node_size = 4 + fanout * below.dtype.itemsize
            items["offset"] = offset + size + np.arange(len(items), dtype=np.uint64) * node_size
        leaf = depth + 1 == len(levels)
        for i in range(nodes):
            node = items[i * fanout : (i + 1) * fanout]
            out.append(struct.pack("<BBH", leaf, 0, len(node)) + node.tobytes())
        offset += size
    return b"".join(out)


def compress(data: bytes) -> bytearray:
    """Compress with libdeflate into a zlib stream; the same bytes always give the same stream.

    ISA-L's igzip takes two thirds of the time, but on a busy machine about one stream in 100,000
    came out as other, equally valid bytes.
    """
    return deflate.zlib_compress(data, 1)
