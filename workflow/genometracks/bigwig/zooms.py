"""Zoom levels of a bigWig: exact summaries on a fixed grid, spooled to disk as they are made.

Record j of a level covers [j * reduction, (j + 1) * reduction) of a contig, cut at its end, and
counts the bases in it that have a value. Each level is summed up from the one below in float64.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genometracks.bigwig.block_index import Leaves
from genometracks.bigwig.format import ZOOM_RECORD, compress

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

    def coarsen(self, factor: int) -> "Cells":
        """Sum up to the cells of a grid `factor` times coarser (1: join what one cell got)."""
        index = self.index // factor
        starts = np.flatnonzero(np.concatenate([[True], index[1:] != index[:-1]]))
        alone = len(starts) == len(index)
        return self if alone and factor == 1 else self.group(starts, index[starts])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, part: slice) -> "Cells":
        return Cells(*(getattr(self, name)[part] for name in self.__dataclass_fields__))

    @classmethod
    def join(cls, parts: list["Cells"]) -> "Cells":
        """Cells one after the other."""
        columns = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


class ZoomLevel:
    """One zoom level and, above it, the coarser ones.

    Parameters
    ----------
    reductions : list of int
        Base pairs a record covers, of this level and of those above; each a multiple of the last.
    folder : Path
        For the spool, a file without a name.
    """

    def __init__(self, reductions: list[int], *, folder: Path) -> None:
        self.reduction = reductions[0]
        self.spool = tempfile.TemporaryFile(dir=folder)
        self.count = 0
        self._leaves = Leaves(folder)
        self._waiting: list[Cells] = []
        self._above = None
        if len(reductions) > 1:
            self._factor = reductions[1] // reductions[0]
            self._above = ZoomLevel(reductions[1:], folder=folder)

    def levels(self) -> list["ZoomLevel"]:
        """This level and all above."""
        return [self, *(self._above.levels() if self._above else [])]

    def add(self, cells: Cells, *, contig: int, length: int) -> None:
        """Take the next cells of a contig; the first may go on with the last one taken."""
        self._waiting.append(cells)
        # One more than a block, for the last cell may still grow.
        if sum(map(len, self._waiting)) > RECORDS:
            cells = Cells.join(self._waiting).coarsen(1)
            end = (len(cells) - 1) // RECORDS * RECORDS
            self._write(cells[:end], contig=contig, length=length)
            self._waiting = [cells[end:]]

    def end_contig(self, *, contig: int, length: int) -> None:
        """Write what waits; the next cells belong to another contig."""
        if self._waiting:
            cells = Cells.join(self._waiting).coarsen(1)
            self._write(cells, contig=contig, length=length)
            self._waiting = []
        if self._above:
            self._above.end_contig(contig=contig, length=length)

    def items(self, offset: int) -> np.ndarray:
        """Index entries (LEAF) of the level's blocks, which start at `offset` in the file."""
        items = self._leaves.read()
        items["offset"] += offset
        return items

    def close(self) -> None:
        """Drop the spools."""
        for level in self.levels():
            level.spool.close()
            level._leaves.close()

    def _write(self, cells: Cells, *, contig: int, length: int) -> None:
        """Spool cells that are whole as blocks, and hand them to the level above."""
        if not len(cells):
            return
        records = np.empty(len(cells), ZOOM_RECORD)
        records["contig"] = contig
        records["start"] = start = cells.index * self.reduction
        records["end"] = np.minimum(start + self.reduction, length)
        for name in ("valid", "min", "max", "sum", "squares"):
            records[name] = getattr(cells, name)
        for begin in range(0, len(records), RECORDS):
            block = records[begin : begin + RECORDS]
            data = compress(block.tobytes())
            first, end = block["start"][0], block["end"][-1]
            self._leaves.add(contig, first, end, offset=self.spool.tell(), size=len(data))
            self.spool.write(data)
        self.count += len(records)
        if self._above:
            self._above.add(cells.coarsen(self._factor), contig=contig, length=length)
