"""Cost of a run, measured before it is started.

The first stages of the run are done in a temporary folder, and a few windows of its genome are
predicted by its model on the available device. Nothing is written to the run's folder.
"""

import math
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import ModuleList

from genometracks.common.memory import read_peak
from genometracks.common.prefetch import prefetch
from genometracks.common.records import save_record
from genometracks.config.resolve import read_config
from genometracks.config.sections import Config, Precision, PredictionConfig
from genometracks.config.settings import (
    ForwardSettings,
    choose_forward_settings,
    choose_plan_settings,
)
from genometracks.errors import UserError
from genometracks.graph.runs import Run, read_run
from genometracks.inputs.bases import Bases
from genometracks.inputs.fetch import fetch_genome
from genometracks.inputs.genome import GenomeIndex, find_scan, scan_fasta
from genometracks.inputs.model import ModelFile, describe_model
from genometracks.plan.make import make_plan
from genometracks.plan.plan import Plan, Shard
from genometracks.plan.probe_file import Probe, digest_probe, find_probe
from genometracks.predict.device import describe_device, prepare_device
from genometracks.predict.forward import Forward
from genometracks.predict.predict import ShardPrediction, load_planned_model, make_forward
from genometracks.preflight.batch_size import fill_batch
from genometracks.preflight.cost import (
    Written,
    count_bytes,
    count_hours,
    count_rates,
    count_size,
    list_trims,
)
from genometracks.preflight.probe import probe_run, sample_windows
from genometracks.preflight.report import (
    Memory,
    PrecisionCost,
    Preflight,
    Seconds,
    describe_preflight,
)
from genometracks.preflight.timing import time_best
from genometracks.preflight.window_edges import measure_edges
from genometracks.preflight.window_length import count_edge_bins
from genometracks.shards.shard import write_shard
from grelu_models.files.beside import find_beside

BUDGET = 20.0
"""Seconds that a forward pass may take: larger batches are replaced by smaller ones. If a single
window takes longer, other precisions and the windows' edges are not measured."""

PRECISIONS: dict[str, tuple[Precision, ...]] = {
    "cpu": ("fp32", "bf16"),
    "cuda": ("fp32", "tf32", "bf16", "fp16"),
}
"""Precisions to compare, by type of device."""

PAIRS = 4
"""Windows that are predicted twice to measure their edges."""


@dataclass(frozen=True)
class Prepared:
    """A run's plan, its normalised FASTA, and the bins at each end that read beyond a window.

    `described_by` are the names of files beside the weights that describe the model.
    """

    plan: Plan
    fasta: Path
    edge_bins: int | None
    described_by: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """Measurements on the device; the fields are those of `report.Preflight`."""

    device: str
    seconds: Seconds
    measured_batch: int
    memory: Memory
    skipped: bool
    precisions: tuple[PrecisionCost, ...]
    by_distance: list[float] | None


def preflight(path: Path, *, name: str | None = None, json_to: Path | None = None) -> str:
    """Measure the cost of a run, and return it as text.

    Parameters
    ----------
    path : Path
        The config, YAML; paths in it are relative to the working directory, as in the run.
    name : str, optional
        Name of the run, if the config names a sheet of several. Default is None.
    json_to : Path, optional
        File to write the numbers to. Default is None: they are not written.

    Raises
    ------
    UserError, ModelError
        If the config or its files are not valid, as in the run.
    """
    run = read_run(read_config(path), name)
    config = run.config
    threads = config.prediction.threads
    device = prepare_device(config.prediction.device, threads=threads)
    with tempfile.TemporaryDirectory(prefix="genometracks-preflight-") as folder:
        prepared = _prepare(run, Path(folder))
        measured = _measure(prepared.plan, Bases(prepared.fasta), device, folder=Path(folder))
    found = _count(path, config, prepared, measured)
    if json_to:
        save_record(json_to, found, indent=1)
    return describe_preflight(found)


def _count(path: Path, config: Config, prepared: Prepared, measured: Measured) -> Preflight:
    """Join the measurements and the numbers that follow from the plan."""
    plan, seconds = prepared.plan, measured.seconds.window
    written = Written(config.output.bigwig, config.output.parquet)
    return Preflight(
        config=str(path),
        run=config.run,
        threads=config.prediction.threads,
        edge_bins=prepared.edge_bins,
        written=written,
        **vars(measured),
        plan=count_size(plan),
        bytes=count_bytes(plan, written),
        rates=count_rates(plan, seconds),
        hours=count_hours(plan, seconds),
        trims=list_trims(
            plan,
            seconds=seconds,
            edge_bins=prepared.edge_bins,
            by_distance=measured.by_distance,
        ),
        described_by=prepared.described_by,
    )


def _prepare(run: Run, folder: Path) -> Prepared:
    """Do the stages before the prediction, in a temporary folder."""
    config = run.config
    weights = [
        fold.file if Path(fold.file).is_file() else fold.weights for fold in run.sources.folds
    ]
    model = describe_model(config.model, weights=weights)
    genome, fasta = _find_genome(run, folder)
    found = _find_open(run, model, genome, fasta=fasta)
    plan = make_plan(choose_plan_settings(config), model, genome, found=found)
    used = found.geometry if found else model.geometry
    beside = [find_beside(Path(path)) for path in weights]
    described_by = tuple(dict.fromkeys(path.name for path in beside if path))
    return Prepared(plan, fasta, count_edge_bins(used, model.flanks), described_by)


def _find_genome(run: Run, folder: Path) -> tuple[GenomeIndex, Path]:
    """The genome and its normalised FASTA: the run's, if it is up to date, or a new one."""
    settings, kept, source = run.config.genome, run.genome.bases, Path(run.sources.fasta)
    if run.sources.fasta != settings.fasta and not source.is_file():
        source = folder / source.name
        fetch_genome(settings.fasta, source, sha256=settings.sha256)
    patterns, made = list(settings.contigs), folder / "genome.fa"
    genome = find_scan(run.genome, source, patterns=patterns)
    if genome is not None:
        return genome, kept
    sha256 = settings.sha256
    return scan_fasta(source, made, name=source.name, patterns=patterns, sha256=sha256), made


def _find_open(run: Run, model: ModelFile, genome: GenomeIndex, *, fasta: Path) -> Probe | None:
    """Determine settings left at `auto`: from the run's earlier probe, or by a new one."""
    forward, prediction = choose_forward_settings(run.config), run.config.prediction
    if not forward.open:
        return None
    found = find_probe(run.folder.probe, digest_probe(forward, model, device=prediction.device))
    if found is not None:
        return found
    # In a separate process: it tries batches larger than the run's, and the peak memory of this
    # process must be that of a prediction.
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(_probe, forward, model, genome, fasta, prediction).result()
    except BrokenProcessPool as error:
        raise UserError(
            "prediction.batch_size: the probe was killed, most likely for lack of memory: "
            "set a number instead of auto"
        ) from error


def _probe(
    forward: ForwardSettings,
    model: ModelFile,
    genome: GenomeIndex,
    fasta: Path,
    prediction: PredictionConfig,
) -> Probe:
    device = prepare_device(prediction.device, threads=prediction.threads)
    digest = digest_probe(forward, model, device=prediction.device)
    return probe_run(forward, model, genome, bases=Bases(fasta), device=device, digest=digest)


def _measure(plan: Plan, bases: Bases, device: torch.device, *, folder: Path) -> Measured:
    """Measure seconds, memory, and the effect of other precisions and trims."""
    start = time.perf_counter()
    model = load_planned_model(plan).to(device)
    load = time.perf_counter() - start
    make = partial(make_forward, model, plan, device=device)
    own, batch = plan.settings.precision, plan.settings.batch_size
    with torch.inference_mode():
        forward = make(own)
        windows = sample_windows(plan, bases, 1, device=device)
        one = time_best(forward, windows, device)
        size = max(1, min(batch, int(BUDGET / one)))
        _predict_some(plan, bases, folder, model=model, size=size, device=device)
        memory = Memory(read_peak(), _read_device_peak(device))
        if size > 1:
            windows = fill_batch(sample_windows(plan, bases, size, device=device), size)
            one = time_best(forward, windows, device) / size
        slow = one > BUDGET
        pairs = max(1, min(PAIRS, int(BUDGET / (2 * one))))
        return Measured(
            device=describe_device(device),
            seconds=Seconds(load, one),
            measured_batch=size,
            memory=memory,
            skipped=slow,
            precisions=() if slow else compare_precisions(make, windows, device, {own: one}),
            by_distance=None
            if slow
            else measure_edges(plan, bases, forward, count=pairs, device=device),
        )


def _predict_some(
    plan: Plan, bases: Bases, folder: Path, *, model: ModuleList, size: int, device: torch.device
) -> None:
    """Predict two batches as a job does, including the comparison with fp32, and write them."""
    small = replace(plan, settings=replace(plan.settings, batch_size=size))
    first = plan.windows // 2 // size * size
    shard = Shard("", first, min(first + 2 * size, plan.windows), "")
    prediction = ShardPrediction(small, bases, model=model, shard=shard, device=device)
    pieces = prefetch(prediction.pieces())
    write_shard(folder, small, shard, pieces=pieces, notes=prediction.notes)


def _read_device_peak(device: torch.device) -> int | None:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def compare_precisions(
    make: Callable[[Precision], Forward],
    windows: Tensor,
    device: torch.device,
    timed: dict[Precision, float],
) -> tuple[PrecisionCost, ...]:
    """Compare the precisions of a device: seconds per window, and deviation from fp32.

    Parameters
    ----------
    make : callable
        Precision -> forward pass.
    windows : float32 tensor (N, 4, window)
    device : torch.device
    timed : dict
        Precision -> seconds per window, for precisions that are timed already.
    """
    exact, rows = make("fp32")(windows), []
    scale = exact.abs().max().item() or 1.0
    for precision in dict.fromkeys((*PRECISIONS[device.type], *timed)):
        forward = make(precision)
        outputs = exact if precision == "fp32" else forward(windows)
        part = (outputs - exact).abs().max().item() / scale
        seconds = timed.get(precision) or time_best(forward, windows, device) / len(windows)
        rows.append(PrecisionCost(precision, seconds, part if math.isfinite(part) else None))
    return tuple(rows)
