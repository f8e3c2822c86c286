"""Zoom levels of a bigWig: exact summaries on a fixed grid, spooled to disk as they are made.

Record j of a level covers [j * reduction, (j + 1) * reduction) of a contig, cut at its end, and
counts the bases in it that have a value. Each level is summed up from the one below in float64.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genometracks.bigwig_format import LEAF, ZOOM_RECORD

RECORDS = 1024
"""Records in a block: 32 KiB before compression."""


@dataclass
class Cells:
    """Partial sums of the cells of a grid: equally long arrays, `index` ascending."""

    index: np.ndarray
    valid: np.ndarray
    min: np.ndarray
    max: np.ndarray
    sum: np.ndarray
    squares: np.ndarray

    def group(self, starts: np.ndarray, index: np.ndarray) -> "Cells":
        """Sum up runs of cells that begin at `starts`."""
        return Cells(
            index,
            np.add.reduceat(self.valid, starts),
            np.minimum.reduceat(self.min, starts),
            np.maximum.reduceat(self.max, starts),
            np.add.reduceat(self.sum, starts),
            np.add.reduceat(self.squares, starts),
        )

    def __getitem__(self, part: slice) -> "Cells":
        return Cells(*(getattr(self, name)[part] for name in self.__dataclass_fields__))

    def join(self, other: "Cells") -> "Cells":
        """These cells, then the others."""
        return Cells(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in self.__dataclass_fields__
            )
        )


class ZoomLevel:
    """One zoom level and, above it, the coarser ones.

    Parameters
    ----------
    reductions : list of int
        Base pairs a record covers, of this level and of those above; each a multiple of the last.
    folder : Path
        For the spool, a file without a name.
    compress : callable
        bytes -> bytes.
    """

    def __init__(self, reductions: list[int], *, folder: Path, compress: Callable) -> None:
        self.reduction = reductions[0]
        self.spool = tempfile.TemporaryFile(dir=folder)
        self.count = 0
        self._compress = compress
        self._blocks: list[tuple] = []
        self._records: list[np.ndarray] = []
        self._open: Cells | None = None
        self._above = None
        if len(reductions) > 1:
            self._factor = reductions[1] // reductions[0]
            self._above = ZoomLevel(reductions[1:], folder=folder, compress=compress)

    def levels(self) -> list["ZoomLevel"]:
        """This level and all above."""
        return [self, *(self._above.levels() if self._above else [])]

    def add(self, cells: Cells, *, contig: int, length: int) -> None:
        """Take the next cells of a contig; the first may go on with the last one taken."""
        if self._open is not None:
            cells = self._open.join(cells)
        starts = np.flatnonzero(np.r_[True, cells.index[1:] != cells.index[:-1]])
        if len(starts) < len(cells.index):
            cells = cells.group(starts, cells.index[starts])
        self._open = cells[-1:]
        self._emit(cells[:-1], contig=contig, length=length)

    def end_contig(self, *, contig: int, length: int) -> None:
        """Write what is open; the next cells belong to another contig."""
        if self._open is not None:
            self._emit(self._open, contig=contig, length=length)
            self._open = None
        if self._records:
            self._write_blocks(np.concatenate(self._records), whole=False)
            self._records = []
        if self._above:
            self._above.end_contig(contig=contig, length=length)

    def items(self, offset: int) -> np.ndarray:
        """Index entries (LEAF) of the level's blocks, which start at `offset` in the file."""
        items = np.array(self._blocks, LEAF)
        items["offset"] += offset
        return items

    def close(self) -> None:
        """Drop the spools."""
        for level in self.levels():
            level.spool.close()

    def _emit(self, cells: Cells, *, contig: int, length: int) -> None:
        if not len(cells.index):
            return
        records = np.empty(len(cells.index), ZOOM_RECORD)
        records["contig"] = contig
        records["start"] = cells.index * self.reduction
        records["end"] = np.minimum((cells.index + 1) * self.reduction, length)
        for name in ("valid", "min", "max", "sum", "squares"):
            records[name] = getattr(cells, name)
        self._records.append(records)
        if sum(map(len, self._records)) >= RECORDS:
            rest = self._write_blocks(np.concatenate(self._records), whole=True)
            self._records = [rest] if len(rest) else []
        if self._above:
            index = cells.index // self._factor
            starts = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
            self._above.add(cells.group(starts, index[starts]), contig=contig, length=length)

    def _write_blocks(self, records: np.ndarray, *, whole: bool) -> np.ndarray:
        """Spool blocks, whole ones only or all; return the records that are left."""
        end = len(records) // RECORDS * RECORDS if whole else len(records)
        for begin in range(0, end, RECORDS):
            block = records[begin : min(begin + RECORDS, end)]
            data = self._compress(block.tobytes())
            contig = block["contig"][0]
            span = (contig, block["start"][0], contig, block["end"][-1])
            self._blocks.append((*span, self.spool.tell(), len(data)))
            self.spool.write(data)
            self.count += len(block)
        return records[end:]
