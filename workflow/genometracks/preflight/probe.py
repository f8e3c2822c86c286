"""Determination of settings left at `auto`: window, precision and batch size.

A few windows of the run's genome are predicted by its model on the available device. Nothing is
written here.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import ModuleList

from genometracks.common.deviation import Deviation
from genometracks.common.memory import read_peak
from genometracks.common.records import as_plain, from_plain
from genometracks.config.settings import ForwardSettings, PlanSettings, Precision
from genometracks.inputs.bases import Bases
from genometracks.inputs.genome import GenomeIndex
from genometracks.inputs.model import ModelFile
from genometracks.plan.make import make_plan
from genometracks.plan.plan import Plan, Shard
from genometracks.plan.probe_file import ChosenWindow, Probe, TriedBatch
from genometracks.predict.batches import encode_batch, read_batches
from genometracks.predict.device import describe_device
from genometracks.predict.forward import Forward
from genometracks.predict.predict import make_forward, prepare_planned_model
from genometracks.preflight.window_length import choose_multiple, count_edge_bins
from grelu_models.card import measure_geometry
from grelu_models.checkpoint import load
from grelu_models.geometry import Geometry
from grelu_models.models import BaseModel

SAMPLE = 8
"""Windows that are predicted, evenly spread over the genome."""

TOLERANCE = 0.02
"""Largest deviation from fp32, as a fraction of the largest value, at which `auto` is bf16."""

BATCHES = tuple(1 << i for i in range(9))
"""Batch sizes to try."""

SECONDS = 5.0
"""Longest time of a batch that is doubled."""

ROOM = 2 << 30
"""Bytes that a batch may take on a CPU, on which several jobs may run at once."""

EQUAL = 1e-5
"""Difference, as a fraction of the largest value, up to which values count as equal."""


@dataclass(frozen=True)
class WindowChoice:
    """The geometry to use, and why."""

    geometry: Geometry
    window: ChosenWindow


@dataclass(frozen=True)
class PrecisionChoice:
    """The precision to use, and the deviation of bf16 from fp32, if it was tried."""

    precision: Precision
    deviation: Deviation | None = None


@dataclass(frozen=True)
class BatchChoice:
    """The batch size to use, and those that were tried."""

    batch_size: int
    tried: tuple[TriedBatch, ...]

    @property
    def seconds(self) -> float | None:
        """Seconds per window with that batch size; None if no batch was completed."""
        return next((row.seconds for row in self.tried if row.batch_size == self.batch_size), None)


def lengthen_window(
    folds: Sequence[BaseModel], model: ModelFile, *, trim: int, lengths: Iterable[int]
) -> WindowChoice:
    """Choose the window with the lowest cost that gives the same values as the model's own.

    Parameters
    ----------
    folds : sequence of BaseModel
        As loaded, on the CPU.
    model : ModelFile
    trim : int
        Bins at each end of the output that a window does not own.
    lengths : iterable of int
        Lengths of the contigs in bp.
    """
    measured = model.geometry
    edge = count_edge_bins(measured, model.flanks)

    def keep(why: str) -> WindowChoice:
        return WindowChoice(measured, ChosenWindow(edge, why))

    if edge is None:
        return keep("every value depends on the whole window")
    if edge > trim:
        return keep(
            f"{edge} bins at each end read beyond the window: prediction.trim: {edge} allows more"
        )
    multiple = choose_multiple(measured, trim=trim, lengths=lengths)
    if multiple == 1:
        return keep("a longer one saves nothing on these contigs")
    longer = measure_geometry(folds[0], multiple * measured.window)
    if not all(_agree(fold, measured, longer, trim=trim) for fold in folds):
        return keep("a longer one gives other values")
    return WindowChoice(longer, ChosenWindow(edge, f"{multiple} times the model's own"))


@torch.inference_mode()
def _agree(model: BaseModel, short: Geometry, long: Geometry, *, trim: int) -> bool:
    """Whether both windows give the same values for random bases, except in trimmed bins."""
    assert short.bin is not None
    codes = torch.randint(4, (long.window,), generator=torch.Generator().manual_seed(0))
    bases = torch.nn.functional.one_hot(codes, 4).T.float()
    whole = model(bases[None])[0][:, trim : long.length - trim]
    owned = short.length - 2 * trim
    step = owned * short.bin
    for i in range(whole.shape[1] // owned):
        part = bases[:, i * step : i * step + short.window]
        found = model(part[None])[0][:, trim : trim + owned]
        expected = whole[:, i * owned : (i + 1) * owned]
        if (found - expected).abs().max() > EQUAL * whole.abs().max():
            return False
    return True


def sample_windows(plan: Plan, bases: Bases, count: int, *, device: torch.device) -> Tensor:
    """Encode windows of a plan, evenly spread over the genome: (up to `count`, 4, window)."""
    single = replace(plan, settings=replace(plan.settings, batch_size=1))
    shards = (Shard("", number, number + 1, "") for number in plan.spread_windows(count))
    batches = (next(read_batches(single, bases, shard)) for shard in shards)
    return torch.cat([encode_batch(single, batch, device=device) for batch in batches])


def fill_batch(windows: Tensor, size: int) -> Tensor:
    """Repeat windows (N, 4, window) until there are `size`."""
    return windows.repeat(-(-size // len(windows)), 1, 1)[:size]


def choose_precision(
    make: Callable[[Precision], Forward], windows: Tensor, device: torch.device
) -> PrecisionChoice:
    """Choose fp32 on a CPU; on a GPU bf16 if it is close to fp32, or else tf32.

    Parameters
    ----------
    make : callable
        Precision -> forward pass.
    windows : float32 tensor (N, 4, window)
    device : torch.device
    """
    if device.type == "cpu":
        return PrecisionChoice("fp32")
    return judge_precision(make, windows)


def judge_precision(make: Callable[[Precision], Forward], windows: Tensor) -> PrecisionChoice:
    """Choose bf16 if its deviation from fp32 is at most 2% of the largest value, or else tf32."""
    forward = make("bf16")
    deviation = forward.measure_deviation(windows, forward(windows))
    near = deviation.largest <= TOLERANCE * deviation.scale
    return PrecisionChoice("bf16" if near else "tf32", deviation)


def choose_batch(forward: Forward, windows: Tensor, device: torch.device) -> BatchChoice:
    """Choose the smallest batch within 5% of the best rate, as far as time and memory allow.

    Parameters
    ----------
    forward : Forward
    windows : float32 tensor (N, 4, window)
        Repeated to fill the batches.
    device : torch.device
    """
    before = _start_bytes(device)
    tried: list[TriedBatch] = []
    for size in BATCHES:
        seconds = time_best(forward, fill_batch(windows, size), device)
        if forward.part is not None:  # it did not fit
            forward.part = None
            break
        taken = max(0, _peak_bytes(device) - before)
        tried.append(TriedBatch(size, seconds / size, taken))
        if seconds > SECONDS or 2 * taken > _room(device) or _stalls(tried):
            break
    if not tried:
        return BatchChoice(1, ())
    best = min(row.seconds for row in tried)
    chosen = next(row.batch_size for row in tried if row.seconds <= best / 0.95)
    return BatchChoice(chosen, tuple(tried))


def _stalls(tried: Sequence[TriedBatch]) -> bool:
    """Whether the last two doublings of the batch improved the rate by less than 2%."""
    times = [row.seconds for row in tried]
    return len(times) > 2 and min(times[-2:]) > 0.98 * min(times[:-2])


def time_best(forward: Forward, batch: Tensor, device: torch.device) -> float:
    """Time a forward pass in seconds: the faster of two, or the first if it is slow."""
    first = _time(forward, batch, device)
    return first if first > SECONDS else min(first, _time(forward, batch, device))


def _time(forward: Forward, batch: Tensor, device: torch.device) -> float:
    start = time.perf_counter()
    forward(batch)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _start_bytes(device: torch.device) -> int:
    if device.type != "cuda":
        return _peak_bytes(device)
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return read_peak()


def _room(device: torch.device) -> int:
    if device.type == "cuda":
        return int(0.8 * torch.cuda.get_device_properties(device).total_memory)
    return ROOM


def probe_run(
    settings: ForwardSettings,
    model: ModelFile,
    genome: GenomeIndex,
    *,
    bases: Bases,
    device: torch.device,
    digest: str,
) -> Probe:
    """Determine the settings that are left at `auto`.

    Parameters
    ----------
    settings : ForwardSettings
    model : ModelFile
    genome : GenomeIndex
    bases : Bases
        The run's normalised genome.
    device : torch.device
    digest : str
        Digest of the inputs (`probe_file.digest_probe`).

    Raises
    ------
    UserError, ModelError
        If the settings do not fit the model or the genome, or the weights cannot be loaded.
    """
    folds = _load_folds(model)
    found = Probe(digest, model.geometry, describe_device(device))
    if settings.window == "auto":
        lengths = [contig.length for contig in genome.contigs if contig.length]
        chosen = lengthen_window(folds, model, trim=settings.trim, lengths=lengths)
        found = replace(found, geometry=chosen.geometry, window=chosen.window)
    plan = make_plan(
        _draft_settings(settings), model, genome, found=Probe("", found.geometry, found.device)
    )
    prepared = ModuleList(prepare_planned_model(fold, plan) for fold in folds).to(device)
    make = partial(make_forward, prepared, plan, device=device)
    windows = sample_windows(plan, bases, SAMPLE, device=device)
    with torch.inference_mode():
        return _time_windows(settings, found, make, windows, device)


def _load_folds(model: ModelFile) -> list[BaseModel]:
    return [
        load(
            fold.weights,
            architecture=fold.architecture,
            window=model.geometry.window,
            activation=model.activation or "logits",
        )[0]
        for fold in model.folds
    ]


def _draft_settings(settings: ForwardSettings) -> PlanSettings:
    """Settings of a preliminary plan, from which the sample of windows is taken."""
    drafted = {
        "batch_size": 1,
        "precision": "fp32",
        "dtype": "float32",
        "shards": 1,
        "regions": None,
        "blacklist": None,
    }
    return from_plain(PlanSettings, as_plain(settings) | drafted)


def _time_windows(
    settings: ForwardSettings,
    found: Probe,
    make: Callable[[Precision], Forward],
    windows: Tensor,
    device: torch.device,
) -> Probe:
    """Add precision, batch size and seconds per window to a probe, as the settings require."""
    precision = settings.precision
    if precision == "auto":
        chosen = choose_precision(make, windows, device)
        precision = chosen.precision
        found = replace(found, precision=precision, deviation=chosen.deviation)
    size = settings.batch_size
    if size == "auto":
        batch = choose_batch(make(precision), windows, device)
        return replace(found, batch_size=batch.batch_size, tried=batch.tried, seconds=batch.seconds)
    if settings.shards == "auto":
        seconds = time_best(make(precision), fill_batch(windows, size), device) / size
        return replace(found, seconds=seconds)
    return found
