"""Proof that the shards are complete, and their tracks in genome order. Needs no torch."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genometracks.common.records import load_record, save_record
from genometracks.errors import ShardError, UserError
from genometracks.plan.plan import Plan, Shard
from genometracks.shards.shard import ShardReader, Values, size_pieces
from genometracks.shards.sidecar import Sidecar, read_sidecar, shard_paths

FORMAT = 1
Run = tuple[int, int]


@dataclass(frozen=True)
class Merged:
    """Content of merge.json: condensed sidecars in the order of the windows."""

    format: int
    bins: int
    shards: tuple[Sidecar, ...]


def check_shards(plan: Plan, folder: Path) -> list[Sidecar]:
    """Prove that the shards hold every bin of the plan once, and no other.

    Returns
    -------
    list of Sidecar
        Condensed, in the order of the windows.

    Raises
    ------
    ShardError
        If a shard is missing, stale or damaged.
    UserError
        If bins are missing, duplicate or foreign. The message names the first ones, as
        contig:start-end.
    """
    sidecars = [_condense(_find_sidecar(folder, plan, shard), folder) for shard in plan.shards]
    _check_cover(plan, sidecars)
    return sidecars


def save_merged(path: Path, sidecars: Sequence[Sidecar]) -> None:
    """Write merge.json from the result of `check_shards`."""
    bins = sum(sidecar.shape[1] for sidecar in sidecars)
    save_record(path, Merged(FORMAT, bins, tuple(sidecars)))


def read_merged(path: Path, plan: Plan, folder: Path) -> list[Sidecar] | None:
    """Read the earlier result of `check_shards`; None if it does not match the plan and the files.

    No shard is opened: sizes are compared here, digests and checksums when a shard is read.
    """
    try:
        merged = load_record(Merged, path, what="result of merging", version=FORMAT)
        found = [(sidecar.shard, sidecar.digest) for sidecar in merged.shards]
        if found != [(shard.id, shard.digest) for shard in plan.shards]:
            return None
        for sidecar in merged.shards:
            data, beside = shard_paths(folder, sidecar.shard)
            if data.stat().st_size != sidecar.bytes or not beside.exists():
                return None
        _check_cover(plan, merged.shards)
        return list(merged.shards)
    except (UserError, OSError):
        return None


def find_merged(path: Path, plan: Plan, folder: Path) -> list[Sidecar]:
    """Return the result of `check_shards`: from merge.json, or computed if that is not valid.

    Raises
    ------
    ShardError, UserError
        As `check_shards`.
    """
    return read_merged(path, plan, folder) or check_shards(plan, folder)


def _find_sidecar(folder: Path, plan: Plan, shard: Shard) -> Sidecar:
    sidecar = read_sidecar(folder, plan, shard)
    if sidecar is not None:
        return sidecar
    data, beside = shard_paths(folder, shard.id)
    bins = plan.shard_bins(shard)
    where = f" (bins from {_locus(plan, *bins[0])})" if bins else ""
    name = f"{data}: shard {shard.id}{where} is"
    if not (data.exists() or beside.exists()):
        raise ShardError(f"{name} missing: run again")
    lost = "missing" if not (data.exists() and beside.exists()) else "stale or damaged"
    raise ShardError(f"{name} {lost}: delete it and run again")


def _condense(sidecar: Sidecar, folder: Path) -> Sidecar:
    return sidecar.condense(os.path.getsize(shard_paths(folder, sidecar.shard)[0]))


def _check_cover(plan: Plan, sidecars: Sequence[Sidecar]) -> None:
    """Compare the predicted bins with the planned ones."""
    found: dict[str, list[Run]] = {contig: [] for contig in plan.segments}
    for sidecar in sidecars:
        for contig, first, last in sidecar.ranges:
            if contig not in found:
                raise _refuse_bins("foreign", _locus(plan, contig, first, last))
            found[contig].append((first, last))
    for contig, rows in plan.segments.items():
        segments: list[Run] = [(first, last) for first, last in rows.tolist()]
        have = sorted(found[contig])
        for (_, end), (start, stop) in zip(have, have[1:], strict=False):
            if start < end:
                raise _refuse_bins("duplicate", _locus(plan, contig, start, min(end, stop)))
        for name, one, other in (("missing", segments, have), ("foreign", have, segments)):
            rest = _subtract(one, other)
            if rest:
                raise _refuse_bins(name, _locus(plan, contig, *rest[0]))


def _refuse_bins(kind: str, locus: str) -> UserError:
    return UserError(f"{kind} bins at {locus}: delete the run's work/shards and run again")


def _subtract(rows: list[Run], others: list[Run]) -> list[Run]:
    """Bins of `rows` that are in no run of `others`; both ascending, without overlaps."""
    rest: list[Run] = []
    i = 0
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
    plan: Plan, folder: Path, *, sidecars: Sequence[Sidecar], rows: range
) -> Iterator[tuple[str, int, Values]]:
    """Stream a block of tracks in genome order.

    Parameters
    ----------
    plan : Plan
    folder : Path
        Folder of the shards.
    sidecars : sequence of Sidecar
        From `find_merged`.
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
    ShardError
        If a shard changed since it was written, or since it was merged. Results made from it must
        then be discarded.
    """
    size = size_pieces(len(rows))
    for shard, proved in zip(plan.shards, sidecars, strict=True):
        sidecar = _find_sidecar(folder, plan, shard)
        if _condense(sidecar, folder) != proved:
            data = shard_paths(folder, shard.id)[0]
            raise ShardError(f"{data}: written again since the shards were merged: run again")
        ranges = iter(sidecar.ranges)
        contig, first, last = next(ranges, ("", 0, 0))
        for values in ShardReader(folder, sidecar, rows=rows).pieces(size):
            while values.shape[1]:
                while first == last:
                    contig, first, last = next(ranges)
                count = min(last - first, values.shape[1])
                yield contig, first, values[:, :count]
                first, values = first + count, values[:, count:]
