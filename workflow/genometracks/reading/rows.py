"""Rows of a query: one per bin, or one per region."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genometracks.reading.arrays import as_arrow, as_text, repeat_text
from genometracks.reading.regions import Region
from genometracks.reading.run import Run
from genometracks.reading.table import Track
from genometracks.reading.values import Bins

Summary = Literal["mean", "min", "max", "sum"]
TOGETHER = 1 << 20
"""Values of regions in a table, about."""

Read = Callable[[Region], Iterator[Bins]]


def make_schema(tracks: Sequence[Track], *, named: bool, by: Summary | None) -> pa.Schema:
    """Make the schema of the rows: `chrom`, `start`, `end`, `name`, `covered`, then the tracks.

    Parameters
    ----------
    tracks : sequence of Track
    named : bool
        Whether the regions have names.
    by : str or None
        What the rows of regions hold; None if there is a row for each bin.
    """
    fields = [("chrom", pa.string()), ("start", pa.int64()), ("end", pa.int64())]
    fields += [("name", pa.string())] if named else []
    fields += [("covered", pa.int64())] if by else []
    kind = pa.float64() if by in ("mean", "sum") else pa.float32()
    return pa.schema(fields + [(track.column, kind) for track in tracks])


def list_bins(
    run: Run, regions: Iterable[Region], tracks: Sequence[Track], *, schema: pa.Schema
) -> Iterator[pa.Table]:
    """Yield tables of the bins that overlap regions, region by region."""
    read = run.reader(tracks)
    for region in regions:
        for block in read(region):
            starts, ends = run.place(block.bins, region.contig)
            count = len(starts)
            columns = [repeat_text(region.contig, count), as_arrow(starts), as_arrow(ends)]
            if "name" in schema.names[:4]:
                columns.append(repeat_text(region.name, count))
            columns += map(as_arrow, block.values)
            yield pa.Table.from_arrays(columns, schema=schema)


def summarise_regions(
    run: Run,
    regions: Iterable[Region],
    tracks: Sequence[Track],
    *,
    by: Summary,
    schema: pa.Schema,
) -> Iterator[pa.Table]:
    """Yield tables with a row for each region.

    `covered` is the number of its bases that have a value. Mean and sum are over these bases, min
    and max over the bins that overlap the region; they are null if no base has a value.
    """
    read, most = run.reader(tracks), max(TOGETHER // len(tracks), 1)
    rows: list[tuple[Region, int, npt.NDArray[np.float64] | None]] = []
    for region in regions:
        rows.append((region, *_summarise(run, region, read, by=by)))
        if len(rows) == most:
            yield _make_table(rows, len(tracks), schema)
            rows = []
    if rows:
        yield _make_table(rows, len(tracks), schema)


def _summarise(
    run: Run, region: Region, read: Read, *, by: Summary
) -> tuple[int, npt.NDArray[np.float64] | None]:
    """Covered bases of a region, and a value for each track."""
    covered, found = 0, None
    for block in read(region):
        starts, ends = run.place(block.bins, region.contig)
        bases = np.minimum(ends, region.end) - np.maximum(starts, region.start)
        covered += int(bases.sum())
        values = block.values.astype(np.float64)
        if by in ("min", "max"):
            best = values.min(axis=1) if by == "min" else values.max(axis=1)
            join = np.minimum if by == "min" else np.maximum
            found = best if found is None else join(found, best)
        else:
            part = values @ bases
            found = part if found is None else found + part
    if found is not None and by == "mean":
        found = found / covered
    return covered, found


def _make_table(
    rows: list[tuple[Region, int, npt.NDArray[np.float64] | None]], tracks: int, schema: pa.Schema
) -> pa.Table:
    regions = [region for region, _, _ in rows]
    nothing = np.zeros(tracks)
    kind = schema.types[-1]
    dtype = np.float32 if kind == pa.float32() else np.float64
    values = np.array([nothing if found is None else found for _, _, found in rows], dtype).T
    empty = np.array([found is None for _, _, found in rows])
    columns = [
        as_text([region.contig for region in regions]),
        as_arrow(np.array([region.start for region in regions], np.int64)),
        as_arrow(np.array([region.end for region in regions], np.int64)),
    ]
    if "name" in schema.names[:4]:
        columns.append(as_text([region.name for region in regions]))
    columns.append(as_arrow(np.array([covered for _, covered, _ in rows], np.int64)))
    columns += [as_arrow(row, empty=empty) for row in values]
    return pa.Table.from_arrays(columns, schema=schema)
