"""The bigWig reader: contigs, intervals and bin means of observed signals.

Reads bedGraph, variable-step and fixed-step sections of either byte order, compressed or not.
Format: Kent et al. 2010, doi:10.1093/bioinformatics/btq351.

A file is untrusted input: sizes and offsets are checked, and anything that does not parse is one
error that names the file. pybigtools 0.3.0 gives the same numbers, but a damaged index can make it
end the process or never return (benchmarks/2026-11-25-bigwig-reader.md).
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.format import CONTIG_TREE_MAGIC, INDEX_MAGIC, MAGIC
from genometracks.errors import UserError

MAX_BLOCK = 1 << 27
"""Bytes read, or inflated, at once."""
BEDGRAPH, VARIABLE_STEP, FIXED_STEP = 1, 2, 3
FIELDS = {
    BEDGRAPH: [("start", "u4"), ("end", "u4"), ("value", "f4")],
    VARIABLE_STEP: [("start", "u4"), ("value", "f4")],
    FIXED_STEP: [("value", "f4")],
}
"""What a section holds for each of its items."""

Intervals = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""Starts and ends in bp, and values: equally long."""


class BigWigReader:
    """An open bigWig; a context manager.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    contigs : dict
        Name -> length in bp, in the file's order.

    Raises
    ------
    UserError
        If the file is missing or not a bigWig.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._file = open(self.path, "rb")  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            self._size = self._file.seek(0, 2)
            self._read_header()
        except BaseException:
            self._file.close()
            raise
        self._blocks: npt.NDArray[Any] | None = None

    def __enter__(self) -> "BigWigReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def intervals(self, contig: str, start: int = 0, end: int | None = None) -> Iterator[Intervals]:
        """Yield the intervals of each data section that overlaps a stretch of a contig.

        Parameters
        ----------
        contig : str
        start, end : int
            Bp, 0-based, half-open. Default is the whole contig.

        Yields
        ------
        starts, ends : int64 arrays (n,)
        values : float32 array (n,)

        Raises
        ------
        UserError
            If the file does not have the contig, or is damaged.
        """
        if contig not in self._ids:
            some = ", ".join(list(self.contigs)[:5]) + (", ..." if len(self.contigs) > 5 else "")
            raise UserError(f"{self.path}: no contig {contig}; it has {some}")
        end = self.contigs[contig] if end is None else end
        number = self._ids[contig]
        for block in self._find_blocks(number, start, end):
            yield self._read_section(int(block["offset"]), int(block["size"]))

    def bin_means(
        self, contig: str, step: int, first_bin: int, last_bin: int, *, span: int | None = None
    ) -> npt.NDArray[np.float64]:
        """Mean over the covered bases of each bin.

        Parameters
        ----------
        contig : str
        step : int
            Base pairs from bin to bin.
        first_bin, last_bin : int
            Half-open range of bins.
        span : int, optional
            Base pairs that a bin covers, at most `step`: bin k is [k * step, k * step + span).
            Default is `step`.

        Returns
        -------
        float64 array (last_bin - first_bin,)
            NaN where no base is covered.

        Raises
        ------
        UserError
            As `intervals`.
        """
        count = last_bin - first_bin
        sums, covered = np.zeros(count), np.zeros(count)
        start, end = first_bin * step, last_bin * step
        for starts, ends, values in self.intervals(contig, start, end):
            known = ~np.isnan(values) & (starts < end) & (ends > start)
            starts = np.maximum(starts[known], start) - start
            ends = np.minimum(ends[known], end) - start
            if len(starts):
                _add_intervals(
                    sums, covered, starts, ends, values[known], step=step, span=span or step
                )
        with np.errstate(invalid="ignore"):
            means: npt.NDArray[np.float64] = sums / np.maximum(covered, 1)
        means[covered == 0] = np.nan
        return means

    def _read_header(self) -> None:
        magic = self._read(0, 4)
        for order in "<>":
            if struct.unpack(order + "I", magic)[0] == MAGIC:
                self._order = order
                break
        else:
            raise UserError(f"{self.path}: not a bigWig file")
        fields = self._unpack("HHQQQHHQQIQ", 4)
        _, _, tree, _, self._index, _, _, _, _, block_size, _ = fields
        self._compressed = block_size > 0
        self._limit = min(max(block_size, 1), MAX_BLOCK)
        magic, _, key_size, value_size, _, _ = self._unpack("IIIIQQ", tree)
        if magic != CONTIG_TREE_MAGIC or value_size != 8 or not 0 < key_size < 65_536:
            raise self._damaged("its list of contigs")
        found = [
            (key.split(b"\0", 1)[0].decode("utf-8", "replace"), number, length)
            for node in self._walk(tree + 32, item=f"{key_size}sII", branch=f"{key_size}sQ")
            for key, number, length in node
        ]
        self.contigs = {name: length for name, _, length in found}
        self._ids = {name: number for name, number, _ in found}

    def _find_blocks(self, contig: int, start: int, end: int) -> npt.NDArray[Any]:
        """Data blocks that overlap a stretch, from the index, which is read once."""
        if self._blocks is None:
            self._blocks = self._read_index(self._index)
        blocks = self._blocks
        before = (blocks["end_contig"] < contig) | (
            (blocks["end_contig"] == contig) & (blocks["end"] <= start)
        )
        after = (blocks["contig"] > contig) | (
            (blocks["contig"] == contig) & (blocks["start"] >= end)
        )
        overlapping: npt.NDArray[Any] = blocks[~before & ~after]
        return overlapping

    def _read_index(self, offset: int) -> npt.NDArray[Any]:
        """The blocks of an index: contig, start, end_contig, end, offset, size."""
        (magic,) = self._unpack("I", offset)
        if magic != INDEX_MAGIC:
            raise self._damaged("its index")
        names = ["contig", "start", "end_contig", "end", "offset", "size"]
        rows = [
            row for node in self._walk(offset + 48, item="IIIIQQ", branch="IIIIQ") for row in node
        ]
        return np.array(rows, np.dtype([(name, "<u8") for name in names]))

    def _walk(self, root: int, *, item: str, branch: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the items of each leaf of a tree; the last field of a branch is its child."""
        waiting, left = [root], self._size
        while waiting:
            offset = waiting.pop()
            leaf, _, count = self._unpack("BBH", offset)
            layout = struct.Struct(self._order + (item if leaf else branch))
            left -= 4 + layout.size * count
            if left < 0:  # nodes do not overlap: together they are smaller than the file
                raise self._damaged("a tree that never ends")
            rows = list(layout.iter_unpack(self._read(offset + 4, layout.size * count)))
            if leaf:
                yield rows
            else:
                waiting += [row[-1] for row in reversed(rows)]

    def _read_section(self, offset: int, size: int) -> Intervals:
        data = self._read(offset, size)
        if self._compressed:
            data = self._inflate(data, offset)
        found = self._parse_section(data)
        if found is None:
            raise self._damaged(f"a section at byte {offset}")
        return found

    def _inflate(self, data: bytes, offset: int) -> bytes:
        stream = zlib.decompressobj()
        try:
            # One byte more than the limit, or zlib would stop before the stream's checksum.
            data = stream.decompress(data, self._limit + 1)
        except zlib.error as error:
            raise self._damaged(f"a section at byte {offset}") from error
        if not stream.eof:
            raise self._damaged(f"a section at byte {offset}")
        return data

    def _parse_section(self, data: bytes) -> Intervals | None:
        """The intervals of a section; None if it is damaged."""
        layout = struct.Struct(self._order + "IIIIIBBH")
        if len(data) < layout.size:
            return None
        _, start, _, step, span, kind, _, count = layout.unpack_from(data)
        if kind not in FIELDS:
            return None
        dtype = np.dtype([(name, self._order + code) for name, code in FIELDS[kind]])
        if len(data) < layout.size + count * dtype.itemsize:
            return None
        rows = np.frombuffer(data, dtype, count, layout.size)
        if kind == FIXED_STEP:
            starts = start + step * np.arange(count, dtype=np.int64)
        else:
            starts = rows["start"].astype(np.int64)
        ends = rows["end"].astype(np.int64) if kind == BEDGRAPH else starts + span
        if (ends < starts).any():
            return None
        return starts, ends, rows["value"].astype(np.float32)

    def _unpack(self, layout: str, offset: int) -> tuple[Any, ...]:
        form = struct.Struct(self._order + layout)
        return form.unpack(self._read(offset, form.size))

    def _read(self, offset: int, size: int) -> bytes:
        if offset + size > self._size or size > MAX_BLOCK:
            raise (
                self._damaged("the file's end")
                if self._size > 3
                else UserError(f"{self.path}: not a bigWig file")
            )
        self._file.seek(offset)
        return self._file.read(size)

    def _damaged(self, where: str) -> UserError:
        return UserError(f"{self.path}: the bigWig is damaged at {where}: copy or make it again")


def _add_intervals(
    sums: npt.NDArray[np.float64],
    covered: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    values: npt.NDArray[np.float32],
    *,
    step: int,
    span: int,
) -> None:
    """Add intervals, in bp from the first bin's start, to the bins that they overlap."""
    first, last = starts // step, (ends - 1) // step
    spread = last - first + 1
    if (spread > 1).any():
        # One copy of a long interval for each bin that it reaches into.
        copies = np.repeat(np.arange(len(starts)), spread)
        nth = np.arange(len(copies)) - np.repeat(np.cumsum(spread) - spread, spread)
        first = first[copies] + nth
        starts = np.maximum(starts[copies], first * step)
        ends = np.minimum(ends[copies], (first + 1) * step)
        values = values[copies]
    ends = np.minimum(ends, first * step + span)
    lengths = np.maximum(ends - starts, 0).astype(np.float64)
    low, high = int(first.min()), int(first.max()) + 1
    sums[low:high] += np.bincount(first - low, lengths * values, high - low)
    covered[low:high] += np.bincount(first - low, lengths, high - low)
