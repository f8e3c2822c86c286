"""Comparison of a shard's data with the checksums in its sidecar."""

from genometracks.config.folders import RunFolder
from genometracks.errors import ShardError
from genometracks.plan.plan import Plan, Shard
from genometracks.shards.shard import ShardReader, size_pieces
from genometracks.shards.sidecar import read_sidecar


def find_damage(run: RunFolder, plan: Plan, shard: Shard) -> str | None:
    """What is wrong with a shard; None if it is as it was written, and of this plan."""
    sidecar = read_sidecar(run.shards, plan, shard)
    if sidecar is None:
        return "the shard is incomplete, of another plan, or damaged"
    tracks = len(plan.tracks)
    reader = ShardReader(run.shards, sidecar, rows=range(tracks))
    try:
        for _ in reader.pieces(size_pieces(tracks)):
            pass
    except ShardError:
        return "the data changed since it was written"
    return None
