"""Zoom levels of a bigWig: exact summaries on a fixed grid, spooled to disk as they are made.

Record j of a level covers [j * reduction, (j + 1) * reduction) of a contig, cut at its end, and
counts the bases in it that have a value. Each level is summed from the one below in float64.
"""

import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.format import ZOOM_RECORD, compress
from genometracks.bigwig.index_entries import IndexEntries

FIRST, FACTOR, LEVELS = 64, 4, 10
"""Bins in a record of the finest level, growth from level to level, largest number of levels."""
RECORDS = 1024
"""Records in a block: 32 KiB before compression."""


@dataclass
class Cells:
    """Partial sums of the cells of a grid: equally long arrays, `index` ascending."""

    index: npt.NDArray[np.int64]
    valid: npt.NDArray[np.int64]
    min: npt.NDArray[np.float32]
    max: npt.NDArray[np.float32]
    sum: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]

    @classmethod
    def of_bins(
        cls, values: npt.NDArray[np.float32], first: int, *, span: int, lacking: int
    ) -> "Cells":
        """Sum a run of bins up to the cells of the finest level.

        Parameters
        ----------
        values : float32 array (n,)
            Of bins first, first + 1, ...
        first : int
        span : int
            Base pairs that a bin covers.
        lacking : int
            Base pairs by which the last bin is shorter than `span`.
        """
        lead = -first % FIRST
        starts = np.arange(lead, len(values), FIRST)
        if lead:
            starts = np.concatenate([[0], starts])
        wide = values.astype(np.float64)
        total = np.add.reduceat(wide, starts)
        np.multiply(wide, wide, out=wide)
        cells = cls(
            (first + starts) // FIRST,
            np.diff(starts, append=len(values)) * span,
            np.minimum.reduceat(values, starts),
            np.maximum.reduceat(values, starts),
            total * span,
            np.add.reduceat(wide, starts) * span,
        )
        if lacking:
            last = float(values[-1])
            cells.valid[-1] -= lacking
            cells.sum[-1] -= lacking * last
            cells.squares[-1] -= lacking * last**2
        return cells

    def group(self, starts: npt.NDArray[np.int64], index: npt.NDArray[np.int64]) -> "Cells":
        """Sum runs of cells that begin at `starts`."""
        return Cells(
            index,
            np.add.reduceat(self.valid, starts),
            np.minimum.reduceat(self.min, starts),
            np.maximum.reduceat(self.max, starts),
            np.add.reduceat(self.sum, starts),
            np.add.reduceat(self.squares, starts),
        )

    def coarsen(self, factor: int) -> "Cells":
        """Sum to the cells of a grid `factor` times coarser; 1 joins the parts of each cell."""
        index = self.index // factor
        starts = np.flatnonzero(np.concatenate([[True], index[1:] != index[:-1]]))
        alone = len(starts) == len(index)
        return self if alone and factor == 1 else self.group(starts, index[starts])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, part: slice) -> "Cells":
        return Cells(*(getattr(self, column.name)[part] for column in fields(self)))

    @classmethod
    def join(cls, parts: list["Cells"]) -> "Cells":
        """Concatenate cells."""
        names = [column.name for column in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def choose_reductions(step: int, longest: int) -> list[int]:
    """Base pairs that a record covers, for each level of a file, the finest first.

    Parameters
    ----------
    step : int
        Base pairs from bin to bin.
    longest : int
        Length in bp of the longest contig: no level has a record that covers more, except the
        finest.
    """
    reductions = [FIRST * step]
    while len(reductions) < LEVELS and reductions[-1] * FACTOR < longest:
        reductions.append(reductions[-1] * FACTOR)
    return reductions


class ZoomLevel:
    """One zoom level and the coarser ones above it.

    Parameters
    ----------
    reductions : list of int
        Base pairs that a record covers, of this level and of those above; each is a multiple of
        the one before.
    folder : Path
        Folder of the spool, an unnamed temporary file.
    """

    def __init__(self, reductions: list[int], *, folder: Path) -> None:
        self.reduction = reductions[0]
        self.spool = tempfile.TemporaryFile(dir=folder)
        self.count = 0
        self._entries = IndexEntries(folder)
        self._waiting: list[Cells] = []
        self._above: ZoomLevel | None = None
        if len(reductions) > 1:
            self._factor = reductions[1] // reductions[0]
            self._above = ZoomLevel(reductions[1:], folder=folder)

    def levels(self) -> list["ZoomLevel"]:
        """This level and all above."""
        return [self, *(self._above.levels() if self._above else [])]

    def add(self, cells: Cells, *, contig: int, length: int) -> None:
        """Add the next cells of a contig; the first one may continue the last one added."""
        self._waiting.append(cells)
        # One more than a block, because the last cell may still grow.
        if sum(map(len, self._waiting)) > RECORDS:
            cells = Cells.join(self._waiting).coarsen(1)
            end = (len(cells) - 1) // RECORDS * RECORDS
            self._write(cells[:end], contig=contig, length=length)
            self._waiting = [cells[end:]]

    def end_contig(self, *, contig: int, length: int) -> None:
        """Write the cells that wait; the next ones belong to another contig."""
        if self._waiting:
            cells = Cells.join(self._waiting).coarsen(1)
            self._write(cells, contig=contig, length=length)
            self._waiting = []
        if self._above:
            self._above.end_contig(contig=contig, length=length)

    def items(self, offset: int) -> npt.NDArray[Any]:
        """Index entries (LEAF) of the level's blocks, which start at `offset` in the file."""
        items = self._entries.read()
        items["offset"] += offset
        return items

    def close(self) -> None:
        """Delete the spools of this level and of those above."""
        for level in self.levels():
            level.spool.close()
            level._entries.close()

    def _write(self, cells: Cells, *, contig: int, length: int) -> None:
        """Spool complete cells as blocks, and pass them to the level above."""
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
            first, end = int(block["start"][0]), int(block["end"][-1])
            self._entries.add(contig, first, end, offset=self.spool.tell(), size=len(data))
            self.spool.write(data)
        self.count += len(records)
        if self._above:
            self._above.add(cells.coarsen(self._factor), contig=contig, length=length)
