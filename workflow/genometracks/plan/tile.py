"""Genome x geometry -> the plan: which bins are predicted, by which windows, in which shards."""

import hashlib
import json
from dataclasses import asdict
from itertools import groupby

import numpy as np

from genometracks.common.intervals import EMPTY, intersect, merge_intervals
from genometracks.errors import UserError
from genometracks.inputs.bed import Bed
from genometracks.inputs.genome import Contig, GenomeIndex
from genometracks.plan.geometry import Geometry, find_segments, find_touched
from genometracks.plan.plan import FORMAT, Plan, Shard, number_windows

TARGET = 45 * 60
"""Seconds of a shard, where time decides."""
MOST = 10_000
"""Shards, where time decides: more take Snakemake long."""
WIDTH = 5
"""Digits of the ids of such shards, so that more of them do not rename the others."""


def make_plan(
    genome: GenomeIndex,
    model: dict,
    *,
    geometry: Geometry,
    tracks: list[dict],
    recipe: dict,
    settings: dict,
    shards: int | None,
    seconds: float | None = None,
    regions: Bed | None = None,
    blacklist: Bed | None = None,
) -> Plan:
    """Tile a genome.

    Parameters
    ----------
    genome : GenomeIndex
    model : dict
        Description of the model; `digest` stands for its numbers.
    geometry : Geometry
    tracks : list of dict
        The run's tracks.
    recipe : dict
        How they are computed (see `make_recipe`).
    settings : dict
        `batch_size`, `precision`, `dtype`.
    shards : int, optional
        Number of shards. Each starts at a multiple of the batch size and holds the same number of
        windows, a round one (see `size_shards`); the last ones may be empty.
    seconds : float, optional
        Without a number of shards: seconds a window, for shards of equal time (`time_shards`).
    regions : Bed, optional
        Only bins that touch these intervals are predicted.
    blacklist : Bed, optional
        Bins of which no base is both known and outside these intervals are absent.

    Raises
    ------
    UserError
        If nothing is to be predicted.
    """
    in_order = sorted(genome.contigs, key=lambda contig: contig.name)
    segments = {
        contig.name: _choose_bins(contig, geometry, regions, blacklist) for contig in in_order
    }
    _, runs = number_windows(segments, geometry.owned)
    windows = int((runs[:, 1] - runs[:, 0]).sum())
    if not windows:
        raise UserError(_explain_nothing(genome, regions, blacklist))
    plan = Plan(
        genome={
            "name": genome.name,
            "sha256": genome.sha256,
            "contigs": [
                {"name": contig.name, "length": contig.length, "sha256": contig.sha256}
                for contig in in_order
            ],
            "regions": regions and {"bed": regions.path, "sha256": regions.sha256},
            "blacklist": blacklist and {"bed": blacklist.path, "sha256": blacklist.sha256},
        },
        model=model,
        geometry=geometry,
        tracks=tracks,
        recipe=recipe,
        settings=settings,
        segments=segments,
        windows=windows,
        padded_bins=_count_padded(in_order, geometry, segments),
        shards=[],
    )
    batch, width = settings["batch_size"], WIDTH
    if shards is None:
        size = time_shards(windows, batch=batch, seconds=seconds)
        shards = -(-windows // size)
    else:
        size, width = size_shards(windows, batch=batch, shards=shards), len(str(shards - 1))
    for i in range(shards):
        first, last = min(i * size, windows), min((i + 1) * size, windows)
        name = f"{i:0{width}d}"
        plan.shards.append(Shard(name, first, last, _digest_shard(plan, first, last)))
    return plan


def _choose_bins(
    contig: Contig, geometry: Geometry, regions: Bed | None, blacklist: Bed | None
) -> np.ndarray:
    """Runs of bins [first, last) of a contig that shall be predicted: int64 array (n, 2)."""
    gaps = np.array(contig.gaps, np.int64).reshape(-1, 2)
    if blacklist:
        listed = blacklist.intervals.get(contig.name, EMPTY)
        gaps = merge_intervals(np.concatenate([gaps, listed]))
    segments = find_segments(contig.length, gaps, geometry.bin, span=geometry.span)
    if regions:
        asked = regions.intervals.get(contig.name, EMPTY)
        touched = find_touched(asked, geometry.bin, span=geometry.span)
        segments = intersect(segments, touched)
    return segments


def _count_padded(
    contigs: list[Contig], geometry: Geometry, segments: dict[str, np.ndarray]
) -> int:
    """Bins that shall be predicted, and whose window reads past the contig's ends."""
    padded = 0
    for contig in contigs:
        bins = geometry.padded_windows(length=contig.length) * geometry.owned
        padded += int(np.diff(intersect(segments[contig.name], bins)).sum())
    return padded


def _explain_nothing(genome: GenomeIndex, regions: Bed | None, blacklist: Bed | None) -> str:
    lost = "N or blacklisted" if blacklist else "N"
    if regions:
        return (
            f"{regions.path}: nothing to predict: no bin touches a region, or all of its bases "
            f"are {lost}: check genome.regions"
        )
    return f"{genome.source}: nothing to predict: every base of the contigs is {lost}"


def size_shards(windows: int, *, batch: int, shards: int) -> int:
    """Windows in a shard: whole batches, enough for all, rounded up by at most an eighth.

    A genome that grows a little at its end then is cut at the same places, and the shards before
    that end are not predicted again.
    """
    least = -(-windows // (batch * shards))
    step = 1 << max(0, least.bit_length() - 4)
    return -(-least // step) * step * batch


def time_shards(windows: int, *, batch: int, seconds: float) -> int:
    """Windows in a shard that takes about three quarters of an hour: whole batches.

    It follows from the time of a window alone, so that a genome that grows keeps its shards;
    but for a genome of more than `MOST` such shards, whose shards are longer.
    """
    size = max(1, round(TARGET / (seconds * batch))) * batch
    return max(size, size_shards(windows, batch=batch, shards=MOST))


def _digest_shard(plan: Plan, first: int, last: int) -> str:
    """sha256 of all that determines a shard's numbers, and of nothing else in the plan.

    The sequence enters by the digest of every contig that the windows touch; windows follow from
    the bins they own. Windows that are blended depend on whether others stand beside the shard.
    """
    owned = plan.shard_bins(Shard("", first, last, ""))
    bins = [
        [plan.digests[contig], [row[1:] for row in rows]]
        for contig, rows in groupby(owned, key=lambda row: row[0])
    ]
    determining = {
        "format": FORMAT,
        "model": plan.model["digest"],
        "geometry": asdict(plan.geometry),
        "recipe": plan.recipe,
        "settings": plan.settings,
        "bins": bins,
    }
    if plan.geometry.blend:
        determining["neighbours"] = [plan.adjoins(first), plan.adjoins(last)]
    return hashlib.sha256(json.dumps(determining, sort_keys=True).encode()).hexdigest()
