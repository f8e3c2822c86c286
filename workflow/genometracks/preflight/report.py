"""What a run would take, from its plan and a few measurements: arithmetic, and the text."""

from dataclasses import replace
from heapq import heapreplace

import numpy as np

from genometracks.common.progress import format_clock, shorten
from genometracks.plan.plan import Plan, number_windows

STORED = {
    "float16": {"bigwig": 2.6, "parquet": 1.8},
    "float32": {"bigwig": 4.1, "parquet": 3.3},
}
"""Bytes a value: float16 of 16 dense tracks (benchmarks/2026-11-23-all.md), float32 of the demo's
track. Flat tracks take less."""

JOBS = 8


def count_cost(plan: Plan, measured: dict) -> dict:
    """The numbers of a run.

    Parameters
    ----------
    plan : Plan
    measured : dict
        `seconds`: of a `window`; `edge_bins`: bins at each end of an output that read beyond the
        window, None for all; `by_distance`: from `window_edges.measure_edges`; `written`: whether
        `bigwig` and `parquet` are.

    Returns
    -------
    dict
        `plan`, `bytes`, `rates` a second, `hours` for numbers of jobs, `trims`.
    """
    seconds = measured["seconds"]["window"]
    return {
        **count_size(plan, measured["written"]),
        **count_time(plan, seconds),
        "trims": list_trims(plan, measured),
    }


def count_size(plan: Plan, written: dict[str, bool]) -> dict:
    """`plan`: what is predicted, and `bytes`: what it will take on disk."""
    geometry, dtype = plan.geometry, plan.settings["dtype"]
    sizes = [shard.last - shard.first for shard in plan.shards]
    values = len(plan.tracks) * plan.bins
    return {
        "plan": {
            "tracks": len(plan.tracks),
            "computed": plan.tracks[0]["computed"],
            "window": geometry.window,
            "bin": geometry.bin,
            "length": geometry.length,
            "trim": geometry.trim,
            "windows": plan.windows,
            "shards": len(sizes),
            "windows_a_shard": max(sizes),
            "bins": plan.bins,
            "padded_bins": plan.padded_bins,
            **{key: plan.settings[key] for key in ("batch_size", "precision", "compile", "dtype")},
        },
        "bytes": {
            "shards": values * np.dtype(dtype).itemsize,
            **{
                key: round(values * factor) if written[key] else 0
                for key, factor in STORED[dtype].items()
            },
            "genome": sum(len(name) + length + 3 for name, length in plan.lengths.items()),
        },
        "written": written,
    }


def count_time(plan: Plan, seconds: float) -> dict:
    """`rates` a second, and `hours` for numbers of jobs, at so many seconds a window."""
    geometry = plan.geometry
    sizes = [shard.last - shard.first for shard in plan.shards]
    jobs = sorted({1, min(JOBS, len(sizes)), len(sizes)})
    return {
        "rates": {"windows": 1 / seconds, "bp": geometry.owned * geometry.bin / seconds},
        "hours": [
            {"jobs": count, "hours": share_windows(sizes, count) * seconds / 3600} for count in jobs
        ],
    }


def share_windows(sizes: list[int], jobs: int) -> int:
    """Windows of the job that ends last, where each shard goes to the first job that is free."""
    loads = [0] * jobs
    for size in sizes:
        heapreplace(loads, loads[0] + size)
    return max(loads)


def list_trims(plan: Plan, measured: dict) -> list[dict]:
    """What other trims would cost and change, the window being the same.

    Returns
    -------
    list of dict
        `trim`, `windows`, `hours` of one job, `edge_bins`: those of the kept bins at each end that
        read beyond the window, `deviation`: of the kept bins next to a window's end (see
        `window_edges.measure_edges`), None where it was not measured. Empty for a model of one
        value a window.
    """
    length, edge = plan.geometry.length, measured["edge_bins"]
    if length == 1:
        return []
    trims = {0, length // 16, length // 8, length // 4, plan.geometry.trim, edge or 0}
    rows = []
    for trim in sorted(trim for trim in trims if 2 * trim < length):
        windows = count_windows(plan, trim)
        owned = length - 2 * trim
        rows.append(
            {
                "trim": trim,
                "windows": windows,
                "hours": windows * measured["seconds"]["window"] / 3600,
                "edge_bins": -(-owned // 2) if edge is None else max(0, edge - trim),
                "deviation": _look_up(measured["by_distance"], trim, width=max(1, length // 32)),
            }
        )
    return rows


def count_windows(plan: Plan, trim: int) -> int:
    """Windows of the same run with another trim."""
    _, runs = number_windows(plan.segments, replace(plan.geometry, trim=trim).owned)
    return int((runs[:, 1] - runs[:, 0]).sum())


def _look_up(by_distance: list[float] | None, trim: int, *, width: int) -> float | None:
    """Mean over the `width` bins from the distance `trim` on; None where that was not seen.

    Half an output's move leaves distances below a quarter of it, so that a trim of just a quarter
    has the last of them.
    """
    if by_distance is None or trim > len(by_distance):
        return None
    first = min(trim, len(by_distance) - 1)
    return float(np.mean(by_distance[first : first + width]))


def describe_start(plan: Plan, found: dict) -> str:
    """What a run will take, as far as it is known without a further measurement.

    Parameters
    ----------
    plan : Plan
    found : dict
        From the probe; `seconds` a window and `device` where it measured them.
    """
    lines = _describe_size(count_size(plan, {"bigwig": True, "parquet": True}))
    if "seconds" in found:
        time = count_time(plan, found["seconds"])
        rows = [("a window", f"{found['seconds']:.4g} s", f"on {found['device']}")]
        lines += ["", "Time", *_align(rows + _list_hours(time["hours"]))]
    return "\n".join(lines[1:])


def describe_preflight(found: dict) -> str:
    """The numbers as tables, for reading."""
    parts = [
        f"What run {found['run']} of {found['config']} would take",
        *_describe_size(found),
        *_describe_time(found),
        *_describe_trims(found),
        *_describe_precisions(found),
    ]
    return "\n".join(parts)


def _describe_size(found: dict) -> list[str]:
    plan, sizes = found["plan"], found["bytes"]
    bins = f"{plan['length']:,} bins of {plan['bin']:,} bp" if plan["length"] > 1 else "one value"
    factors = STORED[plan["dtype"]]
    rows = [
        ("windows", f"{plan['windows']:,}", f"{plan['window']:,} bp in, {bins} out"),
        ("shards", f"{plan['shards']:,}", f"of at most {plan['windows_a_shard']:,} windows"),
        ("bins", f"{plan['bins']:,}", f"{plan['padded_bins']:,} of them padded"),
        ("tracks", f"{plan['tracks']:,}", plan["computed"]),
        ("shards", _bytes(sizes["shards"]), f"{sizes['shards']:,} B of {plan['dtype']}, exact"),
        *(
            (name, f"~{_bytes(sizes[key])}", f"estimate: {factors[key]} B a value, if dense")
            for name, key in (("bigWig", "bigwig"), ("Parquet", "parquet"))
            if found["written"][key]
        ),
        ("genome.fa", _bytes(sizes["genome"]), "normalised FASTA"),
        ("together", f"~{_bytes(sum(sizes.values()))}", "in the run's folder"),
    ]
    return ["", "Plan", *_align(rows[:4]), "", "Disk", *_align(rows[4:])]


def _describe_time(found: dict) -> list[str]:
    plan, seconds, memory = found["plan"], found["seconds"], found["memory"]
    batch, size = plan["batch_size"], found["measured_batch"]
    device = found["device"]
    alone = f" with {found['threads']} thread(s)" if device == "cpu" else ""
    compiled = ", compiled" if plan["compile"] else ""
    smaller = f", measured in batches of {size}" if size < batch else ""
    rates = [f"{found['rates']['windows']:.4g} windows/s", f"{shorten(found['rates']['bp'])}bp/s"]
    rows = [
        ("device", f"{device}{alone}", "of this machine: ask where the run will be"),
        ("batch size", f"{batch}", f"{plan['precision']}{compiled}{smaller}"),
        ("a window", f"{seconds['window']:.4g} s", ", ".join(rates)),
        ("job's start", f"{seconds['load']:.2g} s", "to load the model; not counted below"),
        *_list_hours(found["hours"]),
    ]
    used = [("host", _bytes(memory["host"]), "peak of a prediction job")]
    if memory["device"] is not None:
        used.append(("device", _bytes(memory["device"]), "peak of what PyTorch allocated"))
    return ["", "Time", *_align(rows), "", "Memory", *_align(used)]


def _list_hours(hours: list[dict]) -> list[tuple]:
    return [
        (
            "1 job" if row["jobs"] == 1 else f"{row['jobs']:,} jobs at once",
            _hours(row["hours"]),
            format_clock(row["hours"] * 3600),
        )
        for row in hours
    ]


def _describe_trims(found: dict) -> list[str]:
    if not found["trims"]:
        return []
    heads = [("trim", "windows", "1 job", "edge bins", "difference", "")]
    own = found["plan"]["trim"]
    rows = [
        (
            f"{row['trim']:,}",
            f"{row['windows']:,}",
            _hours(row["hours"]),
            f"{row['edge_bins']:,}",
            "-" if row["deviation"] is None else f"{row['deviation']:.2g}",
            "this config's" if row["trim"] == own else "",
        )
        for row in found["trims"]
    ]
    why = _explain_missing(found)
    return [
        "",
        "Other trims (prediction.trim: bins at each end of a window left to its neighbours)",
        *_align(heads + rows, right=True),
        "  edge bins: kept bins at each end of a window that may read beyond it, as N",
        "  difference: mean |difference| / mean |value| of the outermost kept bins, from a window",
        "  in which they lie further inside" + why,
    ]


def _explain_missing(found: dict) -> str:
    if found["skipped"]:
        return " (-: a window takes too long here)"
    if found["by_distance"] is None:
        return " (-: no contig holds a window and a half)"
    return ""


def _describe_precisions(found: dict) -> list[str]:
    title = ["", "Other precisions (prediction.precision)"]
    if found["skipped"]:
        return [*title, "  not measured: a window takes too long here"]
    heads = [("precision", "a window", "1 job", "deviation", "")]
    windows, own = found["plan"]["windows"], found["plan"]["precision"]
    rows = [
        (
            row["precision"],
            f"{row['seconds']:.4g} s",
            _hours(windows * row["seconds"] / 3600),
            "not finite" if row["deviation"] is None else f"{row['deviation']:.2g}",
            "this config's" if row["precision"] == own else "",
        )
        for row in found["precisions"]
    ]
    note = "  deviation: largest difference from fp32, as a part of fp32's largest value"
    return [*title, *_align(heads + rows, right=True), note]


def _align(rows: list[tuple], *, right: bool = False) -> list[str]:
    """Rows of cells as lines of columns; figures to the right, words to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if right and i < len(row) - 1 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _bytes(count: int) -> str:
    return f"{shorten(count)}B"


def _hours(hours: float) -> str:
    return f"{hours:.2g} h" if hours < 1 else f"{hours:,.1f} h"
