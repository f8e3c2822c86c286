"""Comparison of a shard's data with the checksums in its sidecar."""

from pathlib import Path

from genometracks.config.folders import RunFolder
from genometracks.errors import ShardError
from genometracks.plan.plan import Plan, Shard
from genometracks.shards.shard import ShardReader
from genometracks.shards.sidecar import read_sidecar, shard_paths

BINS, VALUES = 1 << 15, 1 << 22
"""Bins, and bins x tracks, read at once: this bounds the memory."""


def list_shard_files(run: RunFolder, shard: Shard) -> tuple[Path, Path]:
    """Paths of a shard's data and sidecar."""
    return shard_paths(run.shards, shard.id)


def find_damage(run: RunFolder, plan: Plan, shard: Shard) -> str | None:
    """What is wrong with a shard; None if it is as it was written, and of this plan."""
    sidecar = read_sidecar(run.shards, plan, shard)
    if sidecar is None:
        return "the shard is incomplete, of another plan, or damaged"
    tracks = len(plan.tracks)
    reader = ShardReader(run.shards, sidecar, rows=range(tracks))
    try:
        for _ in reader.pieces(max(1, min(BINS, VALUES // tracks))):
            pass
    except ShardError:
        return "the data changed since it was written"
    return None
