"""Cost of a run as text. Needs no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from genometracks.common.records import optional
from genometracks.common.units import format_count, format_duration, format_si
from genometracks.config.sections import Precision
from genometracks.plan.plan import Plan
from genometracks.plan.probe_file import Probe
from genometracks.preflight.cost import (
    STORED,
    JobHours,
    PlanSize,
    Rates,
    Sizes,
    TrimCost,
    Written,
    count_bytes,
    count_hours,
    count_size,
)

Row = tuple[str, ...]


@dataclass(frozen=True)
class Seconds:
    """Seconds to load the model, and per window."""

    load: float
    window: float


@dataclass(frozen=True)
class Memory:
    """Peak bytes of a prediction job, on the host and on the GPU (None without one)."""

    host: int
    device: int | None


@dataclass(frozen=True)
class PrecisionCost:
    """A precision: seconds per window, and the largest deviation from fp32.

    The deviation is a fraction of fp32's largest value; None if values are not finite.
    """

    precision: Precision
    seconds: float
    deviation: float | None


@dataclass(frozen=True)
class Preflight:
    """Cost of a run; the fields are those of the command's JSON.

    Attributes
    ----------
    edge_bins : int or None
        Bins at each end of an output that read beyond the window; None for all.
    measured_batch : int
        Windows in the batch that was timed.
    skipped : bool
        Whether a window takes too long to measure other precisions and the windows' edges.
    by_distance : list of float or None
        From `window_edges.measure_edges`.
    described_by : tuple of str, optional
        Names of files beside the weights that describe the model. Default is (): there are none.
    """

    config: str
    run: str
    threads: int
    edge_bins: int | None
    written: Written
    device: str
    seconds: Seconds
    measured_batch: int
    memory: Memory
    skipped: bool
    precisions: tuple[PrecisionCost, ...]
    by_distance: list[float] | None
    plan: PlanSize
    bytes: Sizes
    rates: Rates
    hours: tuple[JobHours, ...]
    trims: tuple[TrimCost, ...]
    described_by: tuple[str, ...] = optional(())


def describe_start(plan: Plan, found: Probe | None) -> str:
    """Describe the cost of a run, as far as it is known from the plan and the probe."""
    written = Written()
    lines = _describe_size(count_size(plan), count_bytes(plan, written), written)
    if found and found.seconds is not None:
        rows = [("a window", f"{found.seconds:.4g} s", f"on {found.device}")]
        lines += ["", "Time", *_align(rows + _list_hours(count_hours(plan, found.seconds)))]
    return "\n".join(lines[1:])


def describe_preflight(found: Preflight) -> str:
    """Format the cost of a run as tables."""
    parts = [
        f"What run {found.run} of {found.config} would take",
        *(f"  the model is described by {name} beside the weights" for name in found.described_by),
        *_describe_size(found.plan, found.bytes, found.written),
        *_describe_time(found),
        *_describe_trims(found),
        *_describe_precisions(found),
    ]
    return "\n".join(parts)


def _describe_size(plan: PlanSize, sizes: Sizes, written: Written) -> list[str]:
    bins = f"{plan.length:,} bins of {plan.bin:,} bp" if plan.length > 1 else "one value"
    factors = STORED[plan.dtype]
    planned = [
        ("windows", f"{plan.windows:,}", f"{plan.window:,} bp in, {bins} out"),
        ("shards", f"{plan.shards:,}", f"of at most {plan.windows_a_shard:,} windows"),
        ("bins", f"{plan.bins:,}", f"{plan.padded_bins:,} near contig ends: windows read N there"),
        ("tracks", f"{plan.tracks:,}", plan.computed),
    ]
    estimates = [
        ("bigWig", written.bigwig, sizes.bigwig, factors["bigwig"]),
        ("Parquet", written.parquet, sizes.parquet, factors["parquet"]),
    ]
    stored = [
        ("shards", _bytes(sizes.shards), f"{sizes.shards:,} B of {plan.dtype}, exact"),
        *(
            (name, f"~{_bytes(size)}", f"estimate: {factor} B a value, if dense")
            for name, wanted, size, factor in estimates
            if wanted
        ),
        ("genome.fa", _bytes(sizes.genome), "normalised FASTA"),
        ("together", f"~{_bytes(sizes.total)}", "in the run's folder"),
    ]
    return ["", "Plan", *_align(planned), "", "Disk", *_align(stored)]


def _describe_time(found: Preflight) -> list[str]:
    plan, seconds, memory, device = found.plan, found.seconds, found.memory, found.device
    batch, size = plan.batch_size, found.measured_batch
    alone = f" with {format_count(found.threads, 'thread')}" if device == "cpu" else ""
    compiled = ", compiled" if plan.compile else ""
    smaller = f", measured in batches of {size}" if size < batch else ""
    rates = [f"{found.rates.windows:.4g} windows/s", f"{format_si(found.rates.bp)}bp/s"]
    rows = [
        ("device", f"{device}{alone}", "of this machine: measure where the jobs will run"),
        ("batch size", f"{batch}", f"{plan.precision}{compiled}{smaller}"),
        ("a window", f"{seconds.window:.4g} s", ", ".join(rates)),
        ("job's start", f"{seconds.load:.2g} s", "to load the model; not counted below"),
        *_list_hours(found.hours),
    ]
    used = [("host", _bytes(memory.host), "peak of a prediction job")]
    if memory.device is not None:
        used.append(("device", _bytes(memory.device), "peak of what PyTorch allocated"))
    return ["", "Time", *_align(rows), "", "Memory", *_align(used)]


def _list_hours(hours: Sequence[JobHours]) -> list[Row]:
    return [
        (
            "1 job" if row.jobs == 1 else f"{row.jobs:,} jobs at once",
            _hours(row.hours),
            format_duration(row.hours * 3600),
        )
        for row in hours
    ]


def _describe_trims(found: Preflight) -> list[str]:
    if not found.trims:
        return []
    heads = [("trim", "windows", "1 job", "edge bins", "difference", "")]
    rows = [
        (
            f"{row.trim:,}",
            f"{row.windows:,}",
            _hours(row.hours),
            f"{row.edge_bins:,}",
            "-" if row.deviation is None else f"{row.deviation:.2g}",
            "this config's" if row.trim == found.plan.trim else "",
        )
        for row in found.trims
    ]
    return [
        "",
        "Other trims (prediction.trim: bins at each end of a window left to its neighbours)",
        *_align(heads + rows, right=True),
        "  edge bins: kept bins at each end of a window that may read beyond it, as N",
        "  difference: mean |difference| / mean |value| of the outermost kept bins, from a window",
        f"  in which they are further inside{_explain_missing(found)}",
    ]


def _explain_missing(found: Preflight) -> str:
    if found.skipped:
        return " (-: a window takes too long here)"
    if found.by_distance is None:
        return " (-: no contig is as long as 1.5 windows)"
    return ""


def _describe_precisions(found: Preflight) -> list[str]:
    title = ["", "Other precisions (prediction.precision)"]
    if found.skipped:
        return [*title, "  not measured: a window takes too long here"]
    heads = [("precision", "a window", "1 job", "deviation", "")]
    rows = [
        (
            str(row.precision),
            f"{row.seconds:.4g} s",
            _hours(found.plan.windows * row.seconds / 3600),
            "not finite" if row.deviation is None else f"{row.deviation:.2g}",
            "this config's" if row.precision == found.plan.precision else "",
        )
        for row in found.precisions
    ]
    note = "  deviation: largest difference from fp32, as a fraction of fp32's largest value"
    return [*title, *_align(heads + rows, right=True), note]


def _align(rows: Sequence[Row], *, right: bool = False) -> list[str]:
    """Align rows of cells in columns; with `right`, all columns except the last to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if right and i < len(row) - 1 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _bytes(count: float) -> str:
    return f"{format_si(count)}B"


def _hours(hours: float) -> str:
    return f"{hours:.2g} h" if hours < 1 else f"{hours:,.1f} h"
