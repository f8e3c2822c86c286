"""Merged shards -> one bigWig a track, a block of tracks at a time. Needs no torch."""

from contextlib import ExitStack
from pathlib import Path

from genometracks.bigwig import BigWigWriter
from genometracks.merge import read_tracks
from genometracks.plan import Plan

BLOCK = 16
"""Tracks written side by side: each shard's rows are read once, a few hundred MB stay in memory."""


def write_bigwigs(plan: Plan, shards: Path, folder: Path, *, sidecars: list[dict]) -> None:
    """Write `{folder}/{track}.bw` for every track of a plan.

    Parameters
    ----------
    plan : Plan
    shards : Path
        Folder of the shards.
    folder : Path
        Made if it is not there.
    sidecars : list of dict
        From `merge.check_shards` or `merge.read_merged`.

    Raises
    ------
    UserError
        If a shard is damaged (no file of its block of tracks is left) or the disk is full.
    """
    contigs = {contig: length for contig, length in plan.lengths.items() if length}
    for first in range(0, len(plan.tracks), BLOCK):
        rows = range(first, min(first + BLOCK, len(plan.tracks)))
        with ExitStack() as stack:
            writers = [
                stack.enter_context(
                    BigWigWriter(
                        folder / f"{plan.tracks[row]['track']}.bw",
                        contigs,
                        step=plan.geometry.bin,
                        span=plan.geometry.span,
                    )
                )
                for row in rows
            ]
            stream = read_tracks(plan, shards, sidecars=sidecars, rows=rows)
            for contig, first_bin, values in stream:
                for writer, row in zip(writers, values, strict=True):
                    writer.write(contig, first_bin, row)
