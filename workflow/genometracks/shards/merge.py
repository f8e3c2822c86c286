"""Shards -> ordered tracks; proves completeness. Needs no torch."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xxhash

from genometracks.common.atomic import write_atomically
from genometracks.errors import ShardError, UserError
from genometracks.plan.plan import Plan, Shard
from genometracks.shards.shard import ShardReader, read_sidecar, shard_paths

FORMAT = 1
PIECE, PIECE_VALUES = 1 << 15, 1 << 22
"""Bins, and bins x tracks, read at once: bounds memory whatever the size of shards."""


def check_shards(plan: Plan, folder: Path) -> list[dict]:
    """Prove that the shards hold every bin of the plan once, and no other.

    Returns
    -------
    list of dict
        The sidecars in the order of the windows, each with one checksum for all its rows: what
        stays in memory does not grow with the number of tracks.

    Raises
    ------
    UserError
        Naming the shard that is missing or stale, or the contig:start-end that is missing,
        doubled or foreign.
    """
    sidecars = [_sum_up(_find_sidecar(folder, plan, shard), folder) for shard in plan.shards]
    _check_cover(plan, sidecars)
    return sidecars


def save_merged(path: Path, sidecars: list[dict]) -> None:
    """Write what `check_shards` proved as merge.json."""
    bins = sum(fields["shape"][1] for fields in sidecars)
    with write_atomically(path) as file:
        content = {"format": FORMAT, "bins": bins, "shards": sidecars}
        file.write(json.dumps(content).encode() + b"\n")


def read_merged(path: Path, plan: Plan, folder: Path) -> list[dict] | None:
    """What `check_shards` proved before, or None if that is not of this plan and these files.

    Opens no shard: sizes are looked at here, digests and checksums when a shard is read.
    """
    try:
        fields = json.loads(path.read_text())
        sidecars = fields["shards"]
        found = [(fields["shard"], fields["digest"]) for fields in sidecars]
        if fields["format"] != FORMAT or found != [(s.id, s.digest) for s in plan.shards]:
            return None
        for fields in sidecars:
            data, sidecar = shard_paths(folder, fields["shard"])
            if data.stat().st_size != fields["bytes"] or not sidecar.exists():
                return None
        _check_cover(plan, sidecars)
        return sidecars
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _find_sidecar(folder: Path, plan: Plan, shard: Shard) -> dict:
    fields = read_sidecar(folder, plan, shard)
    if fields is not None:
        return fields
    data, sidecar = shard_paths(folder, shard.id)
    lost = "missing" if not (data.exists() and sidecar.exists()) else "stale or damaged"
    bins = plan.shard_bins(shard)
    where = f" (bins from {_locus(plan, *bins[0])})" if bins else ""
    raise ShardError(f"{data}: shard {shard.id}{where} is {lost}: delete it and run again")


def _sum_up(fields: dict, folder: Path) -> dict:
    """A sidecar with the data's size, and with one checksum in place of one a track."""
    rows = fields["checksum"]["rows"].encode()
    return {
        **fields,
        "bytes": shard_paths(folder, fields["shard"])[0].stat().st_size,
        "checksum": {"algorithm": "xxh3_64", "of_rows": xxhash.xxh3_64_hexdigest(rows)},
    }


def _check_cover(plan: Plan, sidecars: list[dict]) -> None:
    """Compare the bins that were predicted with those that were planned."""
    found: dict[str, list[tuple[int, int]]] = {contig: [] for contig in plan.segments}
    for fields in sidecars:
        for contig, first, last in fields["ranges"]:
            if contig not in found:
                raise UserError(f"foreign bins at {_locus(plan, contig, first, last)}")
            found[contig].append((first, last))
    for contig, rows in plan.segments.items():
        segments = rows.tolist()
        have = sorted(found[contig])
        for (_, end), (start, stop) in zip(have, have[1:], strict=False):
            if start < end:
                raise UserError(f"doubled bins at {_locus(plan, contig, start, min(end, stop))}")
        for name, one, other in (("missing", segments, have), ("foreign", have, segments)):
            rest = _subtract(one, other)
            if rest:
                raise UserError(f"{name} bins at {_locus(plan, contig, *rest[0])}")


def _subtract(rows: list, others: list) -> list[tuple[int, int]]:
    """Bins of `rows` that no run of `others` holds; both ascending, without overlaps."""
    rest, i = [], 0
    for first, last in rows:
        while i < len(others) and others[i][1] <= first:
            i += 1
        j = i
        while first < last and j < len(others) and others[j][0] < last:
            if others[j][0] > first:
                rest.append((first, others[j][0]))
            first = others[j][1]
            j += 1
        if first < last:
            rest.append((first, last))
    return rest


def _locus(plan: Plan, contig: str, first: int, last: int) -> str:
    size = plan.geometry.bin
    end = (last - 1) * size + plan.geometry.span
    return f"{contig}:{first * size}-{min(end, plan.lengths.get(contig, end))}"


def read_tracks(
    plan: Plan, folder: Path, *, sidecars: list[dict], rows: range
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Stream a block of tracks in genome order.

    Parameters
    ----------
    sidecars : list of dict
        From `check_shards` or `read_merged`.
    rows : range
        The tracks of the block, as positions in `plan.tracks`.

    Yields
    ------
    contig : str
    first_bin : int
    values : array (len(rows), n)
        Bins first_bin, first_bin + 1, ..., in the shards' dtype.

    Raises
    ------
    UserError
        If a shard's bytes are not those that were written, or not those that were proved; what
        was made from them must then be thrown away.
    """
    size = max(1, min(PIECE, PIECE_VALUES // max(len(rows), 1)))
    for shard, proved in zip(plan.shards, sidecars, strict=True):
        fields = _find_sidecar(folder, plan, shard)
        if _sum_up(fields, folder) != proved:
            data = shard_paths(folder, shard.id)[0]
            raise ShardError(f"{data}: written again since the shards were merged: run again")
        ranges = iter(fields["ranges"])
        contig, first, last = next(ranges, (None, 0, 0))
        for values in ShardReader(folder, fields, rows=rows).pieces(size):
            while values.shape[1]:
                while first == last:
                    contig, first, last = next(ranges)
                count = min(last - first, values.shape[1])
                yield contig, first, values[:, :count]
                first, values = first + count, values[:, count:]
