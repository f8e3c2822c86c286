"""bigWigs packed by hand: small sound ones, and ones of which a single field is a trap."""

import struct
import zlib

HEADER, TREE_HEADER, INDEX_HEADER = 64, 32, 48
SECTION = (0, 10, 40, 10, 10, 3, 0, 3, 1.0, 2.0, 4.0)
"""Fixed-step: values 1, 2 and 4 in three intervals of 10 bp from base 10."""


def pack_bigwig(
    order: str = "<",
    *,
    compressed: bool = False,
    section: bytes | None = None,
    buffer: int | None = None,
    contigs: int = 1,
    children: int = 0,
    contig_children: int = 0,
    block_size: int | None = None,
    block_offset: int | None = None,
) -> bytes:
    """Pack a bigWig of one contig, c1 of 90 bp, and one section.

    Parameters
    ----------
    order : str
        Byte order, `<` or `>`.
    compressed : bool
        Whether the section is compressed.
    section : bytes, optional
        Default is `SECTION`.
    buffer : int, optional
        Buffer size for a section, as the header gives it.
    contigs : int
        Number of contigs that the list of contigs claims to have.
    children, contig_children : int
        If not 0, the root of the index or of the list of contigs is its own child that many times.
    block_size, block_offset : int, optional
        Of the section, as the index has it.
    """
    section = section or struct.pack(f"{order}IIIIIBBH3f", *SECTION)
    if buffer is None:
        buffer = len(section) if compressed else 0
    data = zlib.compress(section) if compressed else section
    tree = struct.pack(f"{order}IIIIQQ", 0x78CA8C91, 1, 2, 8, contigs, 0)
    if contig_children:
        branch = struct.pack(f"{order}2sQ", b"c1", HEADER + TREE_HEADER)
        tree += struct.pack(f"{order}BBH", 0, 0, contig_children) + branch * contig_children
    else:
        tree += struct.pack(f"{order}BBH2sII", 1, 0, 1, b"c1", 0, 90)
    at_data = HEADER + len(tree)
    at_block, at_index = at_data + 8, at_data + 8 + len(data)
    index = struct.pack(f"{order}IIQIIIIQII", 0x2468ACE0, 1, 1, 0, 0, 0, 90, at_index, 1, 0)
    if children:
        branch = struct.pack(f"{order}IIIIQ", 0, 0, 0, 90, at_index + INDEX_HEADER)
        index += struct.pack(f"{order}BBH", 0, 0, children) + branch * children
    else:
        size = len(data) if block_size is None else block_size
        offset = at_block if block_offset is None else block_offset
        index += struct.pack(f"{order}BBHIIIIQQ", 1, 0, 1, 0, 0, 0, 90, offset, size)
    head = struct.pack(
        f"{order}IHHQQQHHQQIQ", 0x888FFC26, 4, 0, HEADER, at_data, at_index, 0, 0, 0, 0, buffer, 0
    )
    return head + tree + struct.pack(f"{order}Q", 1) + data + index + bytes(64)


def pack_bedgraph(start: int, end: int) -> bytes:
    """Pack a bedGraph section of one interval."""
    return struct.pack("<IIIIIBBHIIf", 0, 0, 90, 0, 0, 1, 0, 1, start, end, 1.0)


TRAPS = {
    "an index that is its own child": {"children": 1},
    "an index that is its own child twice": {"children": 2},
    "a list of contigs that is its own child": {"contig_children": 1},
    "a block of 64 GiB": {"block_size": 1 << 36},
    "a block of 1 EiB": {"block_size": 1 << 60},
    "a block past the file's end": {"block_offset": 1 << 40},
    "a block past any file's end": {"block_offset": (1 << 64) - 1},
    "a section that is not compressed, in a file that is": {"buffer": 1 << 31},
    "a section of 9 bytes": {"section": bytes(9)},
    "a section of an unknown kind": {"section": struct.pack("<IIIIIBBH", 0, 0, 9, 1, 1, 9, 0, 0)},
    "more values than the section holds": {
        "section": struct.pack("<IIIIIBBH", 0, 0, 90, 1, 1, 3, 0, 65_535)
    },
    "an interval that ends before it starts": {"section": pack_bedgraph(50, 20)},
}
"""Arguments of `pack_bigwig` for files that a reader must refuse."""
