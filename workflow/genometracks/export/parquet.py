"""Merged shards -> a Parquet data set: a wide table, one folder per contig. Needs no torch.

`chrom={contig}/part-{i}.parquet` contains `start` (bp, 0-based) and one float32 column per track,
in bin order; absent bins have no row. More than 512 tracks are divided among several parts, because
the footer grows with every column of every row group. `_contigs.tsv` exists if the name of a contig
is too long for a folder.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from genometracks.common.atomic import build_folder
from genometracks.common.processes import run_side_by_side
from genometracks.common.sealing import Seal, SealedFile, write_sealed
from genometracks.config.folders import RENAMED
from genometracks.export.jobs import COLUMNS
from genometracks.export.parquet_folders import list_renamed, name_folders
from genometracks.export.parquet_schema import add_contig, make_schema
from genometracks.plan.plan import Plan
from genometracks.shards.merge import read_tracks
from genometracks.shards.shard import Values
from genometracks.shards.sidecar import Sidecar
from genometracks.tracks.table import name_columns

ROWS = 65_536
"""Bins in a row group."""

Stream = Iterator[tuple[str, int, Values]]
"""Contig, first bin, and values (tracks, n) of consecutive bins."""


def write_parquet(
    plan: Plan,
    shards: Path,
    folder: Path,
    *,
    sidecars: Sequence[Sidecar],
    run: str,
    processes: int = 1,
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
    run : str
        Name of the run, for the metadata.
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
        homes = name_folders([contig for contig, bins in plan.segments.items() if len(bins)])
        target = Target(building, homes, name_columns(plan.tracks), run)
        shares = [(plan, shards, target, sidecars, parts[i::processes]) for i in range(processes)]
        sealed = run_side_by_side(_write_parts, [share for share in shares if share[-1]])
        renamed = list_renamed(homes)
        if renamed:
            with write_sealed(building / RENAMED) as file:
                file.write(renamed.encode())
            sealed.append([file.sealed])
    return [
        replace(seal, path=folder / seal.path.relative_to(building))
        for some in sealed
        for seal in some
    ]


@dataclass(frozen=True)
class Target:
    """A data set that is written: its folder, the folders of contigs in it, columns, run."""

    folder: Path
    homes: dict[str, str]
    columns: list[str]
    run: str


def _write_parts(
    plan: Plan,
    shards: Path,
    target: Target,
    sidecars: Sequence[Sidecar],
    parts: Sequence[tuple[str, range]],
) -> list[Seal]:
    sealed: list[Seal] = []
    for name, rows in parts:
        stream = read_tracks(plan, shards, sidecars=sidecars, rows=rows)
        sealed += _write_part(plan, stream, target=target, name=name, rows=rows)
    return sealed


def _write_part(
    plan: Plan, stream: Stream, *, target: Target, name: str, rows: range
) -> list[Seal]:
    schema = make_schema(plan, target.columns, rows=rows, run=target.run)
    sealed = []
    for contig, groups in groupby(_regroup(stream, len(rows)), key=itemgetter(0)):
        path = target.folder / target.homes[contig] / name
        path.parent.mkdir(exist_ok=True)
        with open(path, "wb") as plain:
            file = SealedFile(plain, path)
            with _open_writer(file, add_contig(schema, contig)) as writer:
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
