"""Genome x geometry -> the plan: which bins are predicted, by which windows, in which shards."""

import hashlib
import json
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from genometracks.common.intervals import EMPTY, intersect, merge_intervals
from genometracks.common.records import as_plain
from genometracks.errors import UserError
from genometracks.inputs.bases import Bases
from genometracks.inputs.bed import Bed
from genometracks.inputs.genome import LISTED, Contig, GenomeIndex
from genometracks.plan.geometry import Geometry
from genometracks.plan.plan import (
    FORMAT,
    BedSource,
    Plan,
    PlannedContig,
    PlannedGenome,
    PlannedModel,
    Settings,
    Shard,
    number_windows,
)
from genometracks.plan.scattered import find_scattered
from genometracks.plan.segments import Runs, find_segments, find_touched
from genometracks.tracks.recipe import Recipe
from genometracks.tracks.table import RunTrack

TARGET = 45 * 60
"""Seconds that a shard should take, if `shards` is left at `auto`."""
MOST = 10_000
"""Largest number of such shards; with more, Snakemake becomes slow."""
WIDTH = 5
"""Digits of the ids of such shards: fixed, so that ids do not depend on the number of shards."""


@dataclass(frozen=True)
class Scope:
    """The part of a genome that is predicted.

    Attributes
    ----------
    genome : GenomeIndex
    regions : Bed or None
        Only bins that overlap these intervals are predicted. Default is None: all bins.
    blacklist : Bed or None
        A bin whose bases are all N or inside these intervals is absent. Default is None: only bins
        whose bases are all N are absent.
    """

    genome: GenomeIndex
    regions: Bed | None = None
    blacklist: Bed | None = None


def tile_genome(
    scope: Scope,
    *,
    model: PlannedModel,
    geometry: Geometry,
    tracks: list[RunTrack],
    recipe: Recipe,
    settings: Settings,
) -> Plan:
    """Choose the bins to predict and number the windows: a plan that has no shards yet.

    Raises
    ------
    UserError
        If there is no bin to predict, or N cut the bins into too many runs.
    """
    contigs = sorted(scope.genome.contigs, key=lambda contig: contig.name)
    segments: dict[str, Runs] = {}
    room = LISTED
    for contig in contigs:
        segments[contig.name] = _choose_bins(contig, geometry, scope, room=room)
        room -= len(segments[contig.name]) if contig.scattered else 0
    _, runs = number_windows(segments, geometry.owned)
    windows = int((runs[:, 1] - runs[:, 0]).sum())
    if not windows:
        raise UserError(_explain_nothing(scope))
    return Plan(
        genome=_describe_genome(scope, contigs),
        model=model,
        geometry=geometry,
        tracks=tuple(tracks),
        recipe=recipe,
        settings=settings,
        segments=segments,
        windows=windows,
        padded_bins=_count_padded(contigs, geometry, segments),
        shards=(),
    )


def cut_shards(plan: Plan, count: int) -> Plan:
    """Cut a plan into up to `count` shards, each with at least one window.

    Each shard starts at a multiple of the batch size, and all have the same rounded number of
    windows (see `size_shards`), except for the last one, which may have fewer. The ids have the
    width of `count` shards, however many there are.
    """
    size = size_shards(plan.windows, batch=plan.settings.batch_size, shards=count)
    return _cut(plan, size, width=len(str(count - 1)))


def cut_timed_shards(plan: Plan, seconds: float) -> Plan:
    """Cut a plan into shards of about 45 minutes, given the seconds per window."""
    size = time_shards(plan.windows, batch=plan.settings.batch_size, seconds=seconds)
    return _cut(plan, size, width=WIDTH)


def _cut(plan: Plan, size: int, *, width: int) -> Plan:
    """The plan with shards of `size` windows, whose ids have `width` digits."""
    shared = {  # with hundreds of tracks, slow to make for each of thousands of shards
        "format": FORMAT,
        "model": plan.model.digest,
        "geometry": as_plain(plan.geometry),
        "recipe": as_plain(plan.recipe),
        "settings": as_plain(plan.settings),
    }
    shards = []
    for i, first in enumerate(range(0, plan.windows, size)):
        last = min(first + size, plan.windows)
        digest = _digest_shard(plan, first, last, shared)
        shards.append(Shard(f"{i:0{width}d}", first, last, digest))
    return replace(plan, shards=tuple(shards))


def _choose_bins(contig: Contig, geometry: Geometry, scope: Scope, *, room: int) -> Runs:
    """Runs of bins [first, last) of a contig to predict: int64 array (n, 2)."""
    size, span = geometry.bin, geometry.span
    listed = scope.blacklist.intervals.get(contig.name, EMPTY) if scope.blacklist else EMPTY
    if contig.scattered:
        bases = Bases(Path(scope.genome.bases or "genome.fa"))
        segments = find_scattered(contig, bases, listed, size=size, span=span, most=room)
    else:
        gaps = np.array(contig.gaps, np.int64).reshape(-1, 2)
        if scope.blacklist:
            gaps = merge_intervals(np.concatenate([gaps, listed]))
        segments = find_segments(contig.length, gaps, size, span=span)
    if scope.regions:
        listed = scope.regions.intervals.get(contig.name, EMPTY)
        touched = find_touched(listed, size, span=span)
        segments = intersect(segments, touched)
    return segments


def _describe_genome(scope: Scope, contigs: list[Contig]) -> PlannedGenome:
    regions, blacklist = (
        BedSource(bed.path, bed.sha256) if bed else None for bed in (scope.regions, scope.blacklist)
    )
    planned = tuple(PlannedContig(each.name, each.length, each.sha256) for each in contigs)
    ambiguous = sum(each.ambiguous for each in contigs)
    return PlannedGenome(
        scope.genome.name, scope.genome.sha256, planned, regions, blacklist, ambiguous
    )


def _count_padded(contigs: list[Contig], geometry: Geometry, segments: dict[str, Runs]) -> int:
    """Count the bins to predict whose window reads past the contig's ends."""
    padded = 0
    for contig in contigs:
        bins = geometry.padded_windows(length=contig.length) * geometry.owned
        padded += int(np.diff(intersect(segments[contig.name], bins)).sum())
    return padded


def _explain_nothing(scope: Scope) -> str:
    lost = "N or blacklisted" if scope.blacklist else "N"
    if scope.regions:
        return (
            f"{scope.regions.path}: nothing to predict: no bin touches a region, or all of its "
            f"bases are {lost}: check genome.regions"
        )
    return f"{scope.genome.source}: nothing to predict: every base of the contigs is {lost}"


def size_shards(windows: int, *, batch: int, shards: int) -> int:
    """Choose the windows per shard: whole batches, rounded up by at most an eighth.

    If the genome grows a little at its end, the number usually stays the same, and the shards
    before that end are not predicted again.
    """
    least = -(-windows // (batch * shards))
    step = 1 << max(0, least.bit_length() - 4)
    return -(-least // step) * step * batch


def time_shards(windows: int, *, batch: int, seconds: float) -> int:
    """Choose the windows of a shard that takes about 45 minutes: whole batches.

    The number depends only on the time of a window, so the shards stay the same if the genome
    grows. If there were more than `MOST` shards, they are longer.
    """
    size = max(1, round(TARGET / (seconds * batch))) * batch
    return max(size, size_shards(windows, batch=batch, shards=MOST))


def _digest_shard(plan: Plan, first: int, last: int, shared: dict[str, Any]) -> str:
    """sha256 of everything that determines a shard's values, and of nothing else in the plan.

    The sequence is included as the digest of every contig that the windows touch; windows follow
    from the bins that they own. If windows are blended, values depend on whether windows outside of
    the shard adjoin it. `shared` holds what is the same for all shards.
    """
    owned = plan.shard_bins(Shard("", first, last, ""))
    bins = [
        [plan.digests[contig], [row[1:] for row in rows]]
        for contig, rows in groupby(owned, key=lambda row: row[0])
    ]
    determining = {**shared, "bins": bins}
    if plan.geometry.blend:
        determining["neighbours"] = [plan.adjoins(first), plan.adjoins(last)]
    return hashlib.sha256(json.dumps(determining, sort_keys=True).encode()).hexdigest()
