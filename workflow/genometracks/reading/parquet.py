"""The Parquet table of a run, read by row groups: only those, and only the columns, of a query.

A file has row groups of 65,536 bins, and the statistics of their column `start`. Tracks are divided
over `part-0.parquet`, `part-1.parquet`, ... of equal numbers of columns.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from genometracks.config.folders import CHROM, RENAMED
from genometracks.errors import UserError
from genometracks.reading.about import Grid
from genometracks.reading.arrays import as_numpy
from genometracks.reading.table import Track
from genometracks.reading.values import Bins

OPEN = 32
"""Files that are kept open."""
TOGETHER = 256
"""Columns that are decoded at once: 256 kB of each are in memory."""
ROWS = 8_192
"""Rows of a batch: rows after those of a query are not decoded."""


class ParquetSource:
    """The Parquet table of a run.

    Parameters
    ----------
    folder : Path
        The data set.
    grid : Grid
        The bins of the run.
    """

    kind = "Parquet"

    def __init__(self, folder: Path, grid: Grid) -> None:
        self._folder, self._grid = folder, grid
        self._homes = _find_homes(folder)
        self._open = lru_cache(OPEN)(self._open_part)
        self._columns: int | None = None

    def read(self, contig: str, first: int, last: int, tracks: Sequence[Track]) -> Bins:
        """Read the bins [first, last) of a contig.

        Raises
        ------
        UserError
            If a file is missing or damaged.
        """
        home = self._homes.get(contig)
        if home is None:  # a contig without bins
            return Bins(np.empty(0, np.int64), np.empty((len(tracks), 0), np.float32))
        starts, values = None, None
        numbered = [(self._find_part(track, home), i) for i, track in enumerate(tracks)]
        for number, some in groupby(sorted(numbered), key=itemgetter(0)):
            part = self._open(home / f"part-{number}.parquet")
            places = [place for _, place in some]
            found, rows = part.read(
                first * self._grid.bin,
                last * self._grid.bin,
                [tracks[place].column for place in places],
            )
            if starts is None or values is None:
                starts, values = found, np.empty((len(tracks), len(found)), np.float32)
            elif not np.array_equal(found, starts):
                raise part.damaged("its bins are not those of the other parts")
            values[places] = rows
        if starts is None or values is None:
            raise ValueError("no tracks")
        return Bins(starts // self._grid.bin, values)

    def _find_part(self, track: Track, home: Path) -> int:
        """Number of the part that has a track: all but the last have equally many columns."""
        if self._columns is None:
            several = (home / "part-1.parquet").exists()
            self._columns = self._open(home / "part-0.parquet").columns if several else 0
        return track.row // self._columns if self._columns else 0

    def _open_part(self, path: Path) -> "_Part":
        return _Part(path, self._folder, self._grid.bin)


class _Part:
    """An open file of the table: some tracks of a contig."""

    def __init__(self, path: Path, folder: Path, step: int) -> None:
        self._path, self._folder, self._step = path, folder, step
        with self._report():
            self._file = pq.ParquetFile(path)
            about = self._file.metadata
            self._names = set(self._file.schema_arrow.names)
            self.columns = len(self._names) - 1
            groups = [about.row_group(i) for i in range(about.num_row_groups)]
            self._sizes = [group.num_rows for group in groups]
            found = [group.column(0).statistics for group in groups]
            if any(each is None or not each.has_min_max for each in found):
                raise self.damaged("it has no statistics of the column start")
            self._limits = [(each.min, each.max) for each in found]

    def read(
        self, start: int, end: int, columns: list[str]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Starts (n,), and values (columns, n), of the rows with a start in [start, end)."""
        missing = next((column for column in columns if column not in self._names), None)
        if missing:
            raise self.damaged(f"it has no column {missing!r}")
        groups = [i for i, (low, high) in enumerate(self._limits) if low < end and high >= start]
        starts = self._read_starts(groups)
        low, high = (int(found) for found in np.searchsorted(starts, (start, end)))
        values = np.empty((len(columns), high - low), np.float32)
        for begin in range(0, len(columns), TOGETHER):
            some = columns[begin : begin + TOGETHER]
            self._fill(values[begin : begin + TOGETHER], groups, some, low=low)
        return starts[low:high], values

    def _fill(
        self, values: npt.NDArray[np.float32], groups: list[int], columns: list[str], *, low: int
    ) -> None:
        """Fill values (columns, n) with n rows of the row groups, from row `low` of them on."""
        done, count = 0, values.shape[1]
        if not count:
            return
        with self._report():
            for batch in self._file.iter_batches(ROWS, row_groups=groups, columns=columns):
                places = [batch.schema.get_field_index(name) for name in columns]
                first, last = max(low - done, 0), min(low + count - done, len(batch))
                if first < last:
                    target = slice(done + first - low, done + last - low)
                    for row, place in zip(values, places, strict=True):
                        row[target] = as_numpy(batch.column(place), np.float32)[first:last]
                done += len(batch)
                if done >= low + count:
                    return
        raise self.damaged("its columns are not equally long")

    def _read_starts(self, groups: list[int]) -> npt.NDArray[np.int64]:
        parts = [np.empty(0, np.int64)]
        with self._report():
            for batch in self._file.iter_batches(row_groups=groups, columns=["start"]):
                parts.append(as_numpy(batch.column(0), np.int64))
        starts: npt.NDArray[np.int64] = np.concatenate(parts)
        if (np.diff(starts) <= 0).any() or (starts % self._step).any() or (starts < 0).any():
            raise self.damaged("its bins are not in order")
        return starts

    @contextmanager
    def _report(self) -> Iterator[None]:
        try:
            yield
        except UserError:
            raise
        except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise self.damaged(lines[0]) from error

    def damaged(self, why: str) -> UserError:
        """The error that reports what is wrong with the file."""
        return UserError(
            f"{self._path}: the Parquet file is missing or damaged ({why}): delete the folder "
            f"{self._folder} and run again: it is written again without a prediction"
        )


def _find_homes(folder: Path) -> dict[str, Path]:
    """Contig -> its folder."""
    renamed = {}
    table = folder / RENAMED
    if table.is_file():
        try:
            rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
            renamed = {chrom: contig for chrom, contig in rows[1:]}
        except (OSError, ValueError) as error:
            raise UserError(
                f"{table}: no usable table of contigs ({error}): delete the folder {folder} and "
                "run again"
            ) from error
    values = {path: unquote(path.name.removeprefix(CHROM)) for path in folder.glob(f"{CHROM}*")}
    return {renamed.get(chrom, chrom): path for path, chrom in values.items()}
