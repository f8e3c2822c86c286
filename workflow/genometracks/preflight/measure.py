"""What a run would take, measured before it is started.

The run's own first stages are done in a temporary folder, and a few windows of its genome go
through its model on the device at hand. Nothing is written to the run's folder.
"""

import json
import math
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor

from genometracks.common.atomic import write_atomically
from genometracks.common.memory import read_peak
from genometracks.common.prefetch import run_ahead
from genometracks.config.resolve import choose_forward_settings, choose_plan_settings, read_config
from genometracks.config.sheet import choose_run, resolve_runs
from genometracks.errors import UserError
from genometracks.graph.runs import Run, place_run
from genometracks.inputs.check import check_inputs
from genometracks.inputs.fetch import fetch_genome
from genometracks.inputs.genome import Bases, GenomeIndex, find_scan, scan_fasta
from genometracks.inputs.model import describe_model
from genometracks.plan.make import plan_run
from genometracks.plan.plan import Plan, Shard
from genometracks.plan.probe_file import digest_probe, read_probe
from genometracks.predict.device import describe_device, prepare_device
from genometracks.predict.forward import Forward
from genometracks.predict.predict import load_planned_model, make_forward, predict_shard
from genometracks.preflight.probe import fill_batch, probe_run, sample_windows, time_best
from genometracks.preflight.report import count_cost, describe_preflight
from genometracks.preflight.window_edges import measure_edges
from genometracks.preflight.window_length import count_edge_bins
from genometracks.shards.shard import write_shard

BUDGET = 20.0
"""Seconds that a pass may take: a batch that needs more is measured in smaller ones; where a
window alone does, no other precision is tried, and no other place in the window."""

PRECISIONS = {"cpu": ("fp32", "bf16"), "cuda": ("fp32", "tf32", "bf16", "fp16")}
PAIRS = 4


def preflight(path: Path, *, name: str | None = None, json_to: Path | None = None) -> str:
    """Measure what a run of a config would take, and tell it.

    Parameters
    ----------
    path : Path
        The config, YAML; the paths in it are relative to the working folder, as in the run.
    name : str, optional
        Of the run, where the config names a sheet of many.
    json_to : Path, optional
        File to write the numbers to.

    Raises
    ------
    UserError, ModelError
        As the run would raise, for the config and its files.
    """
    given = read_config(path)
    config = choose_run(resolve_runs(given), name).config
    check_inputs(config)
    run = place_run(config, shares=bool(given.get("runs")))
    prediction = config["prediction"]
    device = prepare_device(prediction["device"], threads=prediction["threads"])
    with tempfile.TemporaryDirectory(prefix="genometracks-preflight-") as folder:
        plan, fasta, edge = _plan(run, Path(folder))
        measured = _measure(plan, Bases(fasta), device, folder=Path(folder))
    found = {
        "config": str(path),
        "run": config["run"],
        "threads": prediction["threads"],
        "edge_bins": edge,
        "written": {key: config["output"][key] for key in ("bigwig", "parquet")},
        **measured,
    }
    found |= count_cost(plan, found)
    if json_to:
        with write_atomically(json_to) as file:
            file.write(json.dumps(found, indent=1).encode() + b"\n")
    return describe_preflight(found)


def _plan(run: Run, folder: Path) -> tuple[Plan, Path, int | None]:
    """The run's plan, its normalised FASTA, and the bins at each end that read past a window."""
    config = run.config
    weights = [
        fold["file"] if Path(fold["file"]).is_file() else fold["weights"] for fold in run.folds
    ]
    model = describe_model(config["model"], folder / "model.json", weights=weights)
    genome, fasta = _find_genome(run, folder)
    found = _find_open(config, model, genome, fasta=fasta, kept=Path(run.folder) / "work")
    plan = plan_run(choose_plan_settings(config), model, genome, found=found)
    used = found.get("geometry", model["geometry"])
    return plan, fasta, count_edge_bins(used, model["flanks"])


def _find_genome(run: Run, folder: Path) -> tuple[GenomeIndex, Path]:
    """The genome and its normalised FASTA: the run's own, if proved to be those, or made now."""
    settings, kept, source = run.config["genome"], Path(run.bases), Path(run.fasta)
    if run.fasta != settings["fasta"] and not source.is_file():
        source = folder / source.name
        fetch_genome(settings["fasta"], source, sha256=settings["sha256"])
    patterns, made = settings["contigs"], folder / "genome.fa"
    genome = find_scan(kept.parent, source, patterns=patterns)
    if genome is not None:
        return genome, kept
    sha256 = settings["sha256"]
    return scan_fasta(source, made, name=source.name, patterns=patterns, sha256=sha256), made


def _find_open(config: dict, model: dict, genome: GenomeIndex, *, fasta: Path, kept: Path) -> dict:
    """What the config leaves to `auto`: as the run found it before, or else from a probe now."""
    asked, prediction = choose_forward_settings(config), config["prediction"]
    if "auto" not in asked.values():
        return {}
    digest = digest_probe(asked, model, device=prediction["device"])
    found = read_probe(kept / "probe.json", digest)
    if found is not None:
        return found
    # In a process of its own: it tries batches larger than the run's, and this process's memory
    # shall be that of a prediction.
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(_probe, asked, model, genome, fasta, prediction).result()
    except BrokenProcessPool as error:
        raise UserError(
            "prediction.batch_size: the probe was killed, most likely for lack of memory: "
            "set a number instead of auto"
        ) from error


def _probe(asked: dict, model: dict, genome: GenomeIndex, fasta: Path, prediction: dict) -> dict:
    device = prepare_device(prediction["device"], threads=prediction["threads"])
    return probe_run(asked, model, genome, bases=Bases(fasta), device=device)


def _measure(plan: Plan, bases: Bases, device: torch.device, *, folder: Path) -> dict:
    """Seconds, memory, and what other precisions and trims would change."""
    start = time.perf_counter()
    model = load_planned_model(plan).to(device)
    seconds = {"load": time.perf_counter() - start}
    make = partial(make_forward, model, plan, device=device)
    own, batch = plan.settings["precision"], plan.settings["batch_size"]
    with torch.inference_mode():
        forward = make(own)
        windows = sample_windows(plan, bases, 1, device=device)
        one = time_best(forward, windows, device)
        size = max(1, min(batch, int(BUDGET / one)))
        _predict_some(plan, bases, folder, model=model, size=size, device=device)
        memory = {"host": read_peak(), "device": _read_device_peak(device)}
        if size > 1:
            windows = fill_batch(sample_windows(plan, bases, size, device=device), size)
            one = time_best(forward, windows, device) / size
        seconds["window"] = one
        slow = one > BUDGET
        pairs = max(1, min(PAIRS, int(BUDGET / (2 * one))))
        return {
            "device": describe_device(device),
            "seconds": seconds,
            "measured_batch": size,
            "memory": memory,
            "skipped": slow,
            "precisions": [] if slow else compare_precisions(make, windows, device, {own: one}),
            "by_distance": None
            if slow
            else measure_edges(plan, bases, forward, count=pairs, device=device),
        }


def _predict_some(
    plan: Plan,
    bases: Bases,
    folder: Path,
    *,
    model: torch.nn.Module,
    size: int,
    device: torch.device,
) -> None:
    """Do two batches as a job does: read ahead, fp32 beside another precision, write, check."""
    small = replace(plan, settings={**plan.settings, "batch_size": size})
    first = plan.windows // 2 // size * size
    shard = Shard("", first, min(first + 2 * size, plan.windows), "")
    notes: dict = {}
    pieces = predict_shard(small, bases, model=model, shard=shard, device=device, notes=notes)
    write_shard(folder, small, shard, pieces=run_ahead(pieces), notes=notes)


def _read_device_peak(device: torch.device) -> int | None:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def compare_precisions(
    make: Callable[[str], Forward],
    windows: Tensor,
    device: torch.device,
    timed: dict[str, float],
) -> list[dict]:
    """What each precision of a device costs, and how far it is from fp32.

    Parameters
    ----------
    make : callable
        Precision -> forward pass.
    windows : float32 tensor (N, 4, window)
    device : torch.device
    timed : dict
        Precision -> seconds a window, where they are known.

    Returns
    -------
    list of dict
        `precision`, `seconds` a window, `deviation`: the largest difference from fp32 as a part
        of fp32's largest value; None where values are not finite.
    """
    exact, rows = make("fp32")(windows), []
    scale = exact.abs().max().item() or 1.0
    for precision in dict.fromkeys((*PRECISIONS[device.type], *timed)):
        forward = make(precision)
        outputs = exact if precision == "fp32" else forward(windows)
        part = (outputs - exact).abs().max().item() / scale
        seconds = timed.get(precision) or time_best(forward, windows, device) / len(windows)
        deviation = part if math.isfinite(part) else None
        rows.append({"precision": precision, "seconds": seconds, "deviation": deviation})
    return rows
