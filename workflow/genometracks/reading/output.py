"""Rows written as tab-separated text, Parquet or bedGraph."""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from genometracks.reading.arrays import as_text
from genometracks.reading.regions import Region
from genometracks.reading.rows import list_bins, make_schema
from genometracks.reading.run import Run
from genometracks.reading.table import Track

CELLS = 1 << 20
"""Cells that are written as text at once."""


def write_tsv(tables: Iterable[pa.Table], schema: pa.Schema, file: BinaryIO) -> None:
    """Write rows as tab-separated text with a header.

    A number has the fewest digits that give the same float32 (or float64) again.
    """
    file.write(("\t".join(schema.names) + "\n").encode())
    for table in tables:
        for text in format_rows(table):
            file.write(text)


def format_rows(table: pa.Table) -> Iterator[memoryview]:
    """Yield the rows of a table as tab-separated lines; a null is an empty cell."""
    step = max(CELLS // table.num_columns, 1)
    tab, newline, nothing = as_text(["\t", "\n", ""])
    for first in range(0, table.num_rows, step):
        part = table.slice(first, step).combine_chunks()
        cells = [column.cast(pa.string()) for column in part.columns]
        cells[-1] = _join_text(cells[-1], newline, nothing)
        lines = _join_text(*cells, tab)
        for chunk in lines.chunks:
            _, offsets, data = chunk.buffers()
            ends = memoryview(offsets).cast("i")
            yield memoryview(data)[ends[chunk.offset] : ends[chunk.offset + len(chunk)]]


def _join_text(*parts: pa.ChunkedArray | pa.Scalar) -> pa.ChunkedArray:
    """Join texts row by row; the last part stands between them, and a null is an empty text."""
    return pc.binary_join_element_wise(*parts, null_handling="replace", null_replacement="")


def write_parquet(tables: Iterable[pa.Table], schema: pa.Schema, file: BinaryIO) -> None:
    """Write rows as one Parquet file."""
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=["chrom"]) as writer:
        for table in tables:
            writer.write_table(table)


def write_bedgraph(
    run: Run, regions: Sequence[Region], tracks: Sequence[Track], file: BinaryIO
) -> None:
    """Write bedGraph: the tracks one after another, each bin once, in the order of the genome.

    Several tracks begin with a `track` line each. One track has none, so that programs which
    convert bedGraph read it.
    """
    merged = list(_join(regions))
    for track in tracks:
        if len(tracks) > 1:
            name, description = (
                text.replace('"', "'") for text in (track.name, track.cells.get("description", ""))
            )
            line = f'track type=bedGraph name="{name}" description="{description}"\n'
            file.write(line.encode("utf-8", "backslashreplace"))
        schema = make_schema([track], named=False, by=None)
        end = ("", 0)
        for table in list_bins(run, merged, [track], schema=schema):
            contig, starts = table["chrom"][0].as_py(), table["start"]
            if contig == end[0]:  # a bin that overlaps two regions
                table = table.filter(pc.greater_equal(starts, end[1]))
            for text in format_rows(table):
                file.write(text)
            end = contig, table["end"][-1].as_py() if table.num_rows else end[1]


def _join(regions: Sequence[Region]) -> Iterator[Region]:
    """Yield the regions in the order of the genome; those that overlap or touch become one."""
    current: Region | None = None
    for region in sorted(regions, key=lambda each: (each.contig, each.start, each.end)):
        if current and region.contig == current.contig and region.start <= current.end:
            end = max(current.end, region.end)
            current = Region(current.contig, current.start, end)
            continue
        if current:
            yield current
        current = Region(region.contig, region.start, region.end)
    if current:
        yield current
