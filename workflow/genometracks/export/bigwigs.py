"""Merged shards -> one bigWig per track, in blocks of tracks per process. Needs no torch."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from genometracks.bigwig.writer import MAX_LENGTH, BigWigWriter
from genometracks.common.atomic import sweep
from genometracks.common.processes import run_side_by_side
from genometracks.common.sealing import Seal
from genometracks.errors import UserError
from genometracks.plan.plan import Plan
from genometracks.shards.merge import read_tracks
from genometracks.shards.sidecar import Sidecar

BLOCK = 16
"""Largest number of tracks that a process writes at once: each shard is read once for all of them,
11 to 15 files per track are open (bigWig, ten zoom levels, indices), and 60 MB are in memory."""


def check_lengths(lengths: Mapping[str, int]) -> None:
    """Raise UserError if a contig is longer than a bigWig can hold; the message names it."""
    for contig, length in lengths.items():
        if length > MAX_LENGTH:
            raise UserError(
                f"contig {contig} of {length:,} bp: a bigWig holds at most {MAX_LENGTH:,} bp: "
                "set output.bigwig to false, or leave the contig out (genome.contigs)"
            )


def write_bigwigs(
    plan: Plan,
    shards: Path,
    folder: Path,
    *,
    sidecars: Sequence[Sidecar],
    rows: range,
    processes: int = 1,
) -> list[Seal]:
    """Write `{folder}/{track}.bw` for tracks of a plan; return the files' seals.

    Parameters
    ----------
    plan : Plan
    shards : Path
        Folder of the shards.
    folder : Path
        Created if it does not exist.
    sidecars : sequence of Sidecar
        From `merge.find_merged`.
    rows : range
        The tracks, as positions in `plan.tracks`.
    processes : int
        Number of processes. Default is 1; the bytes are the same for any number.

    Raises
    ------
    UserError
        If a shard is damaged (then no file of its block of tracks is left), the disk is full or a
        process is killed.
    """
    blocks = cut_blocks(rows, processes)
    shares = [(plan, shards, folder, sidecars, blocks[i::processes]) for i in range(processes)]
    try:
        sealed = run_side_by_side(_write_blocks, [share for share in shares if share[-1]])
    except UserError:
        for row in rows:
            sweep(folder / f"{plan.tracks[row].track}.bw")  # left by a process that was killed
        raise
    return [seal for some in sealed for seal in some]


def cut_blocks(rows: range, processes: int) -> list[range]:
    """Cut tracks into blocks of (almost) equal size, the same number for each process."""
    tracks = len(rows)
    count = min(-(-tracks // (BLOCK * processes)) * processes, tracks)
    return [rows[tracks * i // count : tracks * (i + 1) // count] for i in range(count)]


def _write_blocks(
    plan: Plan,
    shards: Path,
    folder: Path,
    sidecars: Sequence[Sidecar],
    blocks: Sequence[range],
) -> list[Seal]:
    sealed: list[Seal] = []
    contigs = {contig: length for contig, length in plan.lengths.items() if length}
    for rows in blocks:
        with ExitStack() as stack:
            writers = [
                stack.enter_context(
                    BigWigWriter(
                        folder / f"{plan.tracks[row].track}.bw",
                        contigs,
                        step=plan.geometry.bin,
                        span=plan.geometry.span,
                    )
                )
                for row in rows
            ]
            stream = read_tracks(plan, shards, sidecars=sidecars, rows=rows)
            for contig, first_bin, values in stream:
                for writer, row_values in zip(writers, values, strict=True):
                    writer.write(contig, first_bin, row_values)
        sealed += [writer.seal for writer in writers]
    return sealed
