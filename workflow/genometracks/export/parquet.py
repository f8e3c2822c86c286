"""Merged shards -> a Parquet data set: a wide table, one folder per contig. Needs no torch.

`chrom={contig}/part-{i}.parquet` contains `start` (bp, 0-based) and one float32 column per track,
in bin order; absent bins have no row. More than 512 tracks are divided among several parts, because
the footer grows with every column of every row group.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from genometracks.common.atomic import build_folder
from genometracks.common.processes import run_side_by_side
from genometracks.common.sealing import Seal, SealedFile
from genometracks.export.jobs import COLUMNS
from genometracks.plan.plan import Plan
from genometracks.shards.merge import read_tracks
from genometracks.shards.shard import Values
from genometracks.shards.sidecar import Sidecar

ROWS = 65_536
"""Bins in a row group."""

Stream = Iterator[tuple[str, int, Values]]
"""Contig, first bin, and values (tracks, n) of consecutive bins."""


def write_parquet(
    plan: Plan, shards: Path, folder: Path, *, sidecars: Sequence[Sidecar], processes: int = 1
) -> list[Seal]:
    """Write every track of a plan as a Parquet data set; return the seals of its files.

    Parameters
    ----------
    plan : Plan
    shards : Path
        Folder of the shards.
    folder : Path
        The data set. It appears whole or not at all, and replaces an earlier one.
    sidecars : sequence of Sidecar
        From `merge.find_merged`.
    processes : int
        Number of processes. Default is 1; the bytes are the same for any number.

    Raises
    ------
    UserError
        If a shard is damaged, the folder cannot be written or a process is killed.
    """
    tracks = range(len(plan.tracks))
    parts = [
        (f"part-{number}.parquet", tracks[first : first + COLUMNS])
        for number, first in enumerate(tracks[::COLUMNS])
    ]
    with build_folder(folder) as building:
        shares = [(plan, shards, building, sidecars, parts[i::processes]) for i in range(processes)]
        sealed = run_side_by_side(_write_parts, [share for share in shares if share[-1]])
    return [
        replace(seal, path=folder / seal.path.relative_to(building))
        for some in sealed
        for seal in some
    ]


def _write_parts(
    plan: Plan,
    shards: Path,
    folder: Path,
    sidecars: Sequence[Sidecar],
    parts: Sequence[tuple[str, range]],
) -> list[Seal]:
    sealed: list[Seal] = []
    for name, rows in parts:
        stream = read_tracks(plan, shards, sidecars=sidecars, rows=rows)
        sealed += _write_part(plan, stream, folder=folder, name=name, rows=rows)
    return sealed


def _write_part(plan: Plan, stream: Stream, *, folder: Path, name: str, rows: range) -> list[Seal]:
    columns = [plan.tracks[row].track for row in rows]
    schema = pa.schema([("start", pa.int64()), *((column, pa.float32()) for column in columns)])
    sealed = []
    for contig, groups in groupby(_regroup(stream, len(rows)), key=itemgetter(0)):
        path = folder / f"chrom={quote(contig, safe='')}" / name
        path.parent.mkdir(exist_ok=True)
        with open(path, "wb") as plain:
            file = SealedFile(plain, path)
            with _open_writer(file, schema) as writer:
                for _, first, values in groups:
                    start = first * plan.geometry.bin
                    arrays = [pa.array(start), *(pa.array(row) for row in values)]
                    writer.write_table(pa.table(arrays, schema=schema), row_group_size=ROWS)
            file.seal()
        sealed.append(file.sealed)
    return sealed


def _open_writer(file: SealedFile, schema: pa.Schema) -> pq.ParquetWriter:
    tracks = [column for column in schema.names if column != "start"]
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=False,
        column_encoding={
            "start": "DELTA_BINARY_PACKED",
            **dict.fromkeys(tracks, "BYTE_STREAM_SPLIT"),
        },
        write_statistics=["start"],
    )


def _regroup(
    stream: Stream, tracks: int
) -> Iterator[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Cut a stream of runs into row groups of `ROWS` bins of one contig, for any sharding.

    Yields
    ------
    contig : str
    bins : int64 array (n,)
    values : float32 array (tracks, n)
        Overwritten by the next group.
    """
    bins = np.empty(ROWS, np.int64)
    values = np.empty((tracks, ROWS), np.float32)
    current, filled = "", 0
    for contig, first, piece in stream:
        if contig != current and filled:
            yield current, bins[:filled], values[:, :filled]
            filled = 0
        current = contig
        done = 0
        while done < piece.shape[1]:
            count = min(ROWS - filled, piece.shape[1] - done)
            bins[filled : filled + count] = np.arange(first + done, first + done + count)
            values[:, filled : filled + count] = piece[:, done : done + count]
            filled, done = filled + count, done + count
            if filled == ROWS:
                yield current, bins, values
                filled = 0
    if filled:
        yield current, bins[:filled], values[:, :filled]
