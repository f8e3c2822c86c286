"""Statistics of a whole bigWig, from its summary and zoom levels, without reading its values.

Format: Kent et al. 2010, doi:10.1093/bioinformatics/btq351.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.format import HEADER_SIZE, ZOOM_HEADER_SIZE, ZOOM_RECORD
from genometracks.bigwig.reader import BigWigReader

__all__ = ["Overview", "read_overview"]

ENOUGH = 2_000
"""Zoom records that suffice to describe a file, where it has a level of so many."""


@dataclass(frozen=True, eq=False)
class Overview:
    """What a bigWig says of itself.

    Attributes
    ----------
    contigs : dict
        Name -> length in bp; their order is that of the numbers in `records`.
    covered : int
        Bases that have a value.
    min, max, mean, sd : float
        Over the covered bases; `sd` is that of the population. NaN if no base is covered.
    step : int
        Width of a record in bp; records lie on a grid from 0. 0 if the file has no zoom levels.
    records : structured array (n,) of `bigwig.format.ZOOM_RECORD`
        Summaries of stretches in genome order, of the coarsest level that has enough of them.
    """

    contigs: dict[str, int]
    covered: int
    min: float
    max: float
    mean: float
    sd: float
    step: int
    records: npt.NDArray[Any]


def read_overview(path: Path, *, enough: int = ENOUGH) -> Overview:
    """Read the statistics of a bigWig.

    Parameters
    ----------
    path : Path
    enough : int
        Number of records that suffice. Default is 2,000: of the levels that have as many, the
        coarsest is read, or else the finest.

    Raises
    ------
    UserError
        If the file is missing, not a bigWig or damaged.
    """
    with _OverviewReader(path) as reader:
        covered, low, high, total, squares = reader.read_summary()
        step, records = reader.read_zoom(enough)
        contigs = dict(reader.contigs)
    if not covered:
        none = math.nan
        return Overview(contigs, 0, none, none, none, none, step, records)
    mean = total / covered
    sd = math.sqrt(max(squares / covered - mean**2, 0.0))
    return Overview(contigs, covered, low, high, mean, sd, step, records)


class _OverviewReader(BigWigReader):
    """A bigWig whose header, summary and zoom levels are read."""

    def __enter__(self) -> "_OverviewReader":
        return self

    def read_summary(self) -> tuple[int, float, float, float, float]:
        """Covered bases, minimum, maximum, sum and sum of squares over them."""
        (at,) = self._unpack("Q", 44)
        covered, low, high, total, squares = self._unpack("Qdddd", at)
        return covered, low, high, total, squares

    def read_zoom(self, enough: int) -> tuple[int, npt.NDArray[Any]]:
        """Width and records of the coarsest level with enough records, or else of the finest."""
        (count,) = self._unpack("H", 6)
        for i in reversed(range(count)):
            at = HEADER_SIZE + ZOOM_HEADER_SIZE * i
            step, _, data, index = self._unpack("IIQQ", at)
            (records,) = self._unpack("I", data)
            if records >= enough or i == 0:
                return step, self._read_records(index)
        return 0, np.empty(0, ZOOM_RECORD)

    def _read_records(self, index: int) -> npt.NDArray[Any]:
        """All records of a level, of the byte order of this machine."""
        dtype = ZOOM_RECORD.newbyteorder(self._order)  # type: ignore[arg-type]  # "<" or ">"
        parts = []
        for block in self._read_index(index):
            offset, size = int(block["offset"]), int(block["size"])
            data = self._read(offset, size)
            data = self._inflate(data, offset) if self._compressed else data
            if len(data) % dtype.itemsize:
                raise self._damaged(f"a zoom level at byte {offset}")
            parts.append(data)
        # Converted at once: for many small blocks, that is most of the time.
        records: npt.NDArray[Any] = np.frombuffer(b"".join(parts), dtype).astype(ZOOM_RECORD)
        if len(records) and records["contig"].max() >= len(self.contigs):
            raise self._damaged("a zoom level")
        return records
