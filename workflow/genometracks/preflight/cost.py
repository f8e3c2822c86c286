"""Cost of a run: windows, bytes and hours, from its plan and a few measurements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heapreplace

import numpy as np

from genometracks.config.sections import Dtype, Precision
from genometracks.plan.plan import Plan, number_windows

STORED: dict[Dtype, dict[str, float]] = {
    "float16": {"bigwig": 2.6, "parquet": 1.8},
    "float32": {"bigwig": 4.1, "parquet": 3.3},
}
"""Bytes per value: float16 of 16 dense tracks (benchmarks/2026-11-23-all.md), float32 of the demo's
track. Flat tracks take less."""

JOBS = 8
"""Jobs at once in one of the estimates of time."""


@dataclass(frozen=True)
class PlanSize:
    """Size of a plan, and the settings that determine its cost; lengths in bp."""

    tracks: int
    computed: str
    window: int
    bin: int
    length: int
    trim: int
    windows: int
    shards: int
    windows_a_shard: int
    bins: int
    padded_bins: int
    batch_size: int
    precision: Precision
    compile: bool
    dtype: Dtype


@dataclass(frozen=True)
class Written:
    """Which files a run writes."""

    bigwig: bool = True
    parquet: bool = True


@dataclass(frozen=True)
class Sizes:
    """Bytes in the run's folder: shards and genome exact, bigWig and Parquet estimated."""

    shards: int
    bigwig: int
    parquet: int
    genome: int

    @property
    def total(self) -> int:
        """Sum of all."""
        return self.shards + self.bigwig + self.parquet + self.genome


@dataclass(frozen=True)
class Rates:
    """Windows and base pairs per second."""

    windows: float
    bp: float


@dataclass(frozen=True)
class JobHours:
    """Hours with `jobs` jobs at once."""

    jobs: int
    hours: float


@dataclass(frozen=True)
class TrimCost:
    """Cost and effect of another trim, with the same window.

    Attributes
    ----------
    trim : int
        In bins.
    windows : int
    hours : float
        With one job.
    edge_bins : int
        Kept bins at each end of a window that read beyond it.
    deviation : float or None
        Deviation of the kept bins next to a window's end (see `window_edges.measure_edges`); None
        if it was not measured.
    """

    trim: int
    windows: int
    hours: float
    edge_bins: int
    deviation: float | None


def count_size(plan: Plan) -> PlanSize:
    """Summarise the size and the settings of a plan."""
    geometry, settings = plan.geometry, plan.settings
    return PlanSize(
        tracks=len(plan.tracks),
        computed=plan.tracks[0].computed,
        window=geometry.window,
        bin=geometry.bin,
        length=geometry.length,
        trim=geometry.trim,
        windows=plan.windows,
        shards=len(plan.shards),
        windows_a_shard=max(shard.windows for shard in plan.shards),
        bins=plan.bins,
        padded_bins=plan.padded_bins,
        batch_size=settings.batch_size,
        precision=settings.precision,
        compile=settings.compile,
        dtype=settings.dtype,
    )


def count_bytes(plan: Plan, written: Written) -> Sizes:
    """Estimate the bytes that a run takes on disk."""
    dtype, values = plan.settings.dtype, len(plan.tracks) * plan.bins
    factors = STORED[dtype]
    return Sizes(
        shards=values * np.dtype(dtype).itemsize,
        bigwig=round(values * factors["bigwig"]) if written.bigwig else 0,
        parquet=round(values * factors["parquet"]) if written.parquet else 0,
        genome=sum(len(name) + length + 3 for name, length in plan.lengths.items()),
    )


def count_rates(plan: Plan, seconds: float) -> Rates:
    """Compute rates from the seconds per window."""
    return Rates(1 / seconds, plan.geometry.owned * plan.geometry.bin / seconds)


def count_hours(plan: Plan, seconds: float) -> tuple[JobHours, ...]:
    """Estimate the hours with 1, `JOBS` and one job per shard, from the seconds per window."""
    sizes = [shard.windows for shard in plan.shards]
    jobs = sorted({1, min(JOBS, len(sizes)), len(sizes)})
    return tuple(JobHours(count, share_windows(sizes, count) * seconds / 3600) for count in jobs)


def share_windows(sizes: Sequence[int], jobs: int) -> int:
    """Windows of the job that ends last, if each shard goes to the first job that is free.

    Examples
    --------
    >>> share_windows([5, 5, 5, 3], 2)
    10
    """
    loads = [0] * jobs
    for size in sizes:
        heapreplace(loads, loads[0] + size)
    return max(loads)


def list_trims(
    plan: Plan, *, seconds: float, edge_bins: int | None, by_distance: Sequence[float] | None
) -> tuple[TrimCost, ...]:
    """List the cost and effect of other trims; empty for a model of one value per window.

    Parameters
    ----------
    plan : Plan
    seconds : float
        Seconds per window.
    edge_bins : int or None
        Bins at each end of an output that read beyond the window; None for all.
    by_distance : sequence of float or None
        From `window_edges.measure_edges`.
    """
    length = plan.geometry.length
    if length == 1:
        return ()
    trims = {0, length // 16, length // 8, length // 4, plan.geometry.trim, edge_bins or 0}
    rows = []
    for trim in sorted(trim for trim in trims if 2 * trim < length):
        windows, owned = count_windows(plan, trim), length - 2 * trim
        rows.append(
            TrimCost(
                trim=trim,
                windows=windows,
                hours=windows * seconds / 3600,
                edge_bins=-(-owned // 2) if edge_bins is None else max(0, edge_bins - trim),
                deviation=_look_up(by_distance, trim, width=max(1, length // 32)),
            )
        )
    return tuple(rows)


def count_windows(plan: Plan, trim: int) -> int:
    """Count the windows of the same run with another trim."""
    _, runs = number_windows(plan.segments, replace(plan.geometry, trim=trim).owned)
    return int((runs[:, 1] - runs[:, 0]).sum())


def _look_up(by_distance: Sequence[float] | None, trim: int, *, width: int) -> float | None:
    """Mean over `width` bins, from the distance `trim` on; None if it was not measured.

    Windows that are half an output apart measure distances below a quarter of it. A trim of exactly
    a quarter uses the last of them.
    """
    if by_distance is None or trim > len(by_distance):
        return None
    first = min(trim, len(by_distance) - 1)
    return float(np.mean(by_distance[first : first + width]))
