"""The bigBed writer: sorted features, their coverage as zoom levels, and an index of names.

Format: Kent et al. 2010, doi:10.1093/bioinformatics/btq351; trees and zoom levels are those of the
bigWig writer. pybigtools 0.3.0 declares every bigBed as one of three columns, so that browsers
show neither names nor exons; and it prints errors of writing instead of raising them.
"""

import shutil
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.coverage import cover_cells
from genometracks.bigwig.format import (
    HEADER_SIZE,
    SUMMARY_SIZE,
    ZOOM_HEADER_SIZE,
    Summary,
    compress,
    pack_contig_tree,
    pack_index,
    pack_key_tree,
)
from genometracks.bigwig.index_entries import IndexEntries
from genometracks.bigwig.zooms import FIRST, ZoomLevel, choose_reductions
from genometracks.common.sealing import Seal, SealedFile, write_sealed
from genometracks.errors import UserError

__all__ = ["BED3", "BED12", "Layout", "Rows", "write_bigbed"]

MAGIC = 0x8789F2EB
ROWS = 512
"""Features in a block."""
CELL = 4096
"""Bp that a record of the finest zoom level covers."""
MAX_LENGTH = 2**32 - 1
MAX_NAME = 100
"""Bytes of the longest name in the index of names."""
EXTENSION = struct.Struct("<HHQ52x")
NAME_INDEX = struct.Struct("<HHQIHH")
NAME_COLUMN = 3
COLUMNS = {
    "chrom": ("string", "Contig"),
    "chromStart": ("uint", "Start, 0-based"),
    "chromEnd": ("uint", "End"),
    "name": ("string", "Name"),
    "score": ("uint", "Score, 0 to 1000"),
    "strand": ("char[1]", "+, - or ."),
    "thickStart": ("uint", "Start of the coding part"),
    "thickEnd": ("uint", "End of the coding part"),
    "reserved": ("uint", "Colour: none"),
    "blockCount": ("int", "Number of exons"),
    "blockSizes": ("int[blockCount]", "Lengths of the exons"),
    "chromStarts": ("int[blockCount]", "Starts of the exons, from chromStart"),
    "transcript": ("string", "Transcript"),
}


@dataclass(frozen=True)
class Layout:
    """Columns of a bigBed: the first `defined` are those of BED, the others are its own."""

    table: str
    title: str
    columns: tuple[str, ...]
    defined: int

    @property
    def named(self) -> bool:
        """Whether there is a column of names."""
        return len(self.columns) > NAME_COLUMN

    @property
    def declaration(self) -> bytes:
        """The columns in autoSql."""
        rows = [f'    {COLUMNS[name][0]} {name}; "{COLUMNS[name][1]}"' for name in self.columns]
        lines = [f"table {self.table}", f'"{self.title}"', "(", *rows, ")", ""]
        return "\n".join(lines).encode() + b"\0"


BED3 = Layout("intervals", "Intervals", tuple(COLUMNS)[:3], 3)
BED12 = Layout("transcripts", "Transcripts of genes", tuple(COLUMNS), 12)


@dataclass(frozen=True, eq=False)
class Rows:
    """Features of a contig, sorted by start, then end.

    Attributes
    ----------
    intervals : int64 array (n, 2)
        Bp, 0-based, half-open.
    rest : sequence of bytes, optional
        The columns from the fourth on, with tabs between them. Default is None: there are none.
    """

    intervals: npt.NDArray[np.int64]
    rest: Sequence[bytes] | None = None


def write_bigbed(
    path: Path, contigs: Mapping[str, int], features: Mapping[str, Rows], *, layout: Layout
) -> Seal:
    """Write a bigBed, and return its seal.

    Parameters
    ----------
    path : Path
    contigs : mapping
        Name -> length in bp; the header lists them sorted by name.
    features : mapping
        Contig -> its features; may lack contigs, or be empty.
    layout : Layout
        If it has names, the file has an index by which browsers search for them.

    Raises
    ------
    UserError
        If a contig is longer than the format can hold, or the file cannot be written.
    """
    contigs = dict(sorted(contigs.items()))
    for name, length in contigs.items():
        if not 0 < length <= MAX_LENGTH:
            raise UserError(f"{path}: a bigBed cannot hold contig {name} of {length} bp")
    reductions = choose_reductions(CELL // FIRST, max(contigs.values(), default=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        file = stack.enter_context(write_sealed(path))
        zooms = ZoomLevel(reductions, folder=path.parent)
        stack.callback(zooms.close)
        blocks = IndexEntries(path.parent)
        stack.callback(blocks.close)
        _write_parts(file, contigs, features, layout=layout, zooms=zooms, blocks=blocks)
    return file.sealed


def _write_parts(
    file: SealedFile,
    contigs: Mapping[str, int],
    features: Mapping[str, Rows],
    *,
    layout: Layout,
    zooms: ZoomLevel,
    blocks: IndexEntries,
) -> None:
    levels = zooms.levels()
    places = _Places.of(layout, levels=len(levels))
    file.seek(places.tree)  # what lies before is known at the end
    file.write(pack_contig_tree(contigs, offset=places.tree))
    data = file.tell()
    file.write(struct.pack("<Q", sum(len(rows.intervals) for rows in features.values())))
    written = _write_features(file, contigs, features, zooms=zooms, blocks=blocks)
    index = file.tell()
    file.write(pack_index(blocks.read(), offset=index, data_end=index))
    heads = [_write_zoom(file, level) for level in levels]
    at_names = file.tell()
    if layout.named:
        file.write(_pack_names(written.names, offset=at_names))
    file.write(struct.pack("<I", MAGIC))
    file.seek(0)
    file.write(
        struct.pack(
            "<IHHQQQHHQQIQ",
            MAGIC,
            4,
            len(levels),
            places.tree,
            data,
            index,
            len(layout.columns),
            layout.defined,
            places.declaration,
            places.summary,
            max(written.largest, 1),
            places.extension if layout.named else 0,
        )
    )
    file.write(b"".join(struct.pack("<IIQQ", size, 0, *at) for size, *at in heads))
    file.write(layout.declaration + written.summary.pack())
    if layout.named:
        file.write(EXTENSION.pack(64, 1, places.extension + EXTENSION.size))
        file.write(NAME_INDEX.pack(0, 1, at_names, 0, NAME_COLUMN, 0))


@dataclass(frozen=True)
class _Places:
    """Offsets of the parts before the features."""

    declaration: int
    summary: int
    extension: int
    tree: int

    @classmethod
    def of(cls, layout: Layout, *, levels: int) -> "_Places":
        declaration = HEADER_SIZE + ZOOM_HEADER_SIZE * levels
        summary = declaration + len(layout.declaration)
        extension = summary + SUMMARY_SIZE
        tree = extension + (EXTENSION.size + NAME_INDEX.size) * layout.named
        return cls(declaration, summary, extension, tree)


@dataclass(frozen=True)
class _Written:
    """Statistics of the features, bytes of the largest block, and (name, offset, size) of names."""

    summary: Summary
    largest: int
    names: list[tuple[bytes, int, int]]


def _write_features(
    file: SealedFile,
    contigs: Mapping[str, int],
    features: Mapping[str, Rows],
    *,
    zooms: ZoomLevel,
    blocks: IndexEntries,
) -> _Written:
    summary, largest = Summary(), 0
    names: list[tuple[bytes, int, int]] = []
    for number, (contig, length) in enumerate(contigs.items()):
        rows = features.get(contig)
        if rows is None or not len(rows.intervals):
            continue
        for block, first in _pack_blocks(number, rows):
            packed = compress(block)
            part = slice(first, first + ROWS)
            _add_block(blocks, number, rows.intervals[part], file.tell(), len(packed))
            if rows.rest:
                names += [(_cut_name(row), file.tell(), len(packed)) for row in rows.rest[part]]
            file.write(packed)
            largest = max(largest, len(block))
        cells = cover_cells(rows.intervals, cell=CELL, summary=summary)
        zooms.add(cells, contig=number, length=length)
        zooms.end_contig(contig=number, length=length)
    return _Written(summary, largest, names)


def _pack_blocks(number: int, rows: Rows) -> Iterator[tuple[bytes, int]]:
    """Yield blocks of features, and the number of the first one in each."""
    head = np.dtype([("contig", "<u4"), ("start", "<u4"), ("end", "<u4")])
    for first in range(0, len(rows.intervals), ROWS):
        part = rows.intervals[first : first + ROWS]
        heads = np.zeros(len(part), head if rows.rest else [*head.descr, ("nul", "u1")])
        heads["contig"], heads["start"], heads["end"] = number, part[:, 0], part[:, 1]
        if not rows.rest:
            yield heads.tobytes(), first
            continue
        raw, rest = heads.tobytes(), rows.rest[first : first + ROWS]
        yield b"".join(raw[12 * i : 12 * i + 12] + row + b"\0" for i, row in enumerate(rest)), first


def _add_block(
    blocks: IndexEntries, number: int, part: npt.NDArray[np.int64], offset: int, size: int
) -> None:
    blocks.add(number, int(part[0, 0]), int(part[:, 1].max()), offset=offset, size=size)


def _cut_name(rest: bytes) -> bytes:
    return rest.split(b"\t", 1)[0][:MAX_NAME]


def _pack_names(names: Iterable[tuple[bytes, int, int]], *, offset: int) -> bytes:
    """Pack the index of names: each leads to the block that holds it, once per block."""
    ordered = sorted(set(names))
    size = max((len(name) for name, _, _ in ordered), default=1)
    leaves = np.array(ordered, [("key", f"S{size}"), ("offset", "<u8"), ("size", "<u8")])
    return pack_key_tree(leaves, offset=offset)


def _write_zoom(file: SealedFile, level: ZoomLevel) -> tuple[int, int, int]:
    """Copy a zoom level into the file: its reduction, and the offsets of data and index."""
    at = file.tell()
    file.write(struct.pack("<I", level.count))
    level.spool.seek(0)
    shutil.copyfileobj(level.spool, file, 1 << 20)
    end = file.tell()
    file.write(pack_index(level.items(at + 4), offset=end, data_end=end))
    return level.reduction, at, end
