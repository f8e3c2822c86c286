"""Shards -> ordered tracks; proves completeness. Needs no torch."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from genometracks.errors import UserError
from genometracks.plan import Plan
from genometracks.shard import ShardReader, read_sidecar, shard_paths

PIECE = 1 << 18
"""Bins read at once: bounds memory whatever the size of shards, and still reads long runs."""


def check_shards(plan: Plan, folder: Path) -> list[dict]:
    """Prove that the shards hold every bin of the plan once, and no other.

    Returns
    -------
    list of dict
        The sidecars in the order of the windows.

    Raises
    ------
    UserError
        Naming the shard that is missing or stale, or the contig:start-end that is missing,
        doubled or foreign.
    """
    sidecars = []
    for shard in plan.shards:
        fields = read_sidecar(folder, plan, shard)
        if fields is None:
            data, sidecar = shard_paths(folder, shard.id)
            lost = "missing" if not (data.exists() and sidecar.exists()) else "stale or damaged"
            bins = plan.shard_bins(shard)
            where = f" (bins from {_locus(plan, *bins[0])})" if bins else ""
            raise UserError(f"{data}: shard {shard.id}{where} is {lost}: delete it and run again")
        sidecars.append(fields)
    _check_cover(plan, [tuple(row) for fields in sidecars for row in fields["ranges"]])
    return sidecars


def _check_cover(plan: Plan, ranges: list[tuple[str, int, int]]) -> None:
    """Compare the bins that were predicted with those that were planned."""
    found: dict[str, list[tuple[int, int]]] = {contig: [] for contig in plan.segments}
    for contig, first, last in ranges:
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
        From `check_shards`.
    rows : range
        The tracks of the block, as positions in `plan.tracks`.

    Yields
    ------
    contig : str
    first_bin : int
    values : float32 array (len(rows), n)
        Bins first_bin, first_bin + 1, ...

    Raises
    ------
    UserError
        If a shard's bytes are not those that were written; what was made from them must then be
        thrown away.
    """
    for fields in sidecars:
        ranges = iter(fields["ranges"])
        contig, first, last = next(ranges, (None, 0, 0))
        for piece in ShardReader(folder, fields, rows=rows).pieces(PIECE):
            values = piece.astype(np.float32, copy=False)
            while values.shape[1]:
                while first == last:
                    contig, first, last = next(ranges)
                count = min(last - first, values.shape[1])
                yield contig, first, values[:, :count]
                first, values = first + count, values[:, count:]
