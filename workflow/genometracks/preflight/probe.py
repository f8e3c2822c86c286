"""What a config leaves to be found out: the window, the precision and the batch size.

A few windows of the run's own genome go through its model on the device at hand.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import ModuleList

from genometracks.common.memory import read_peak
from genometracks.inputs.genome import Bases, GenomeIndex
from genometracks.plan.make import plan_run
from genometracks.plan.plan import Plan, Shard
from genometracks.predict.batches import encode_batch, read_batches
from genometracks.predict.device import describe_device
from genometracks.predict.forward import Forward
from genometracks.predict.predict import make_forward, prepare_planned_model
from genometracks.preflight.window_length import choose_multiple, count_edge_bins
from grelu_models.card import measure_geometry
from grelu_models.checkpoint import load

SAMPLE = 8
TOLERANCE = 0.02
"""Largest deviation from fp32, as a part of the largest value, that `auto` takes for bf16."""

BATCHES = tuple(1 << i for i in range(9))
SECONDS = 5.0
"""A batch that takes longer is not doubled."""

ROOM = 2 << 30
"""Bytes that a batch may take on the CPU, where several jobs may run side by side."""

EQUAL = 1e-5
DRAFTED = {"batch_size": 1, "precision": "fp32", "dtype": "float32", "shards": 1}
DRAFTED |= {"regions": None, "blacklist": None}
"""Settings of the plan from which the windows are taken."""


def lengthen_window(
    folds: Sequence[torch.nn.Module], described: dict, *, trim: int, lengths
) -> dict:
    """Find the window that costs least, where a longer one gives the same values.

    Parameters
    ----------
    folds : sequence of BaseModel
        As loaded, on the CPU.
    described : dict
        `geometry` and `flanks` as measured, of model.json.
    trim : int
        Bins at each end of the output that a window does not own.
    lengths : iterable of int
        Of the contigs, in bp.

    Returns
    -------
    dict
        `geometry` to use, `edge_bins` (see `count_edge_bins`), and `why`.
    """
    measured = described["geometry"]
    edge = count_edge_bins(measured, described["flanks"])
    kept = {"geometry": measured, "edge_bins": edge}
    if edge is None:
        return {**kept, "why": "every value depends on the whole window"}
    if edge > trim:
        why = f"{edge} bins at each end read beyond the window: prediction.trim: {edge} allows more"
        return {**kept, "why": why}
    multiple = choose_multiple(measured, trim=trim, lengths=lengths)
    if multiple == 1:
        return {**kept, "why": "a longer one saves nothing on these contigs"}
    longer = asdict(measure_geometry(folds[0], multiple * measured["window"]))
    if not all(_agree(fold, measured, longer, trim=trim) for fold in folds):
        return {**kept, "why": "a longer one gives other values"}
    return {"geometry": longer, "edge_bins": edge, "why": f"{multiple} times the model's own"}


@torch.inference_mode()
def _agree(model: torch.nn.Module, short: dict, long: dict, *, trim: int) -> bool:
    """Whether windows of both lengths give equal values of random bases, the trimmed bins apart."""
    codes = torch.randint(4, (long["window"],), generator=torch.Generator().manual_seed(0))
    bases = torch.nn.functional.one_hot(codes, 4).T.float()
    whole = model(bases[None])[0][:, trim : long["length"] - trim]
    owned = short["length"] - 2 * trim
    step = owned * short["bin"]
    for i in range(whole.shape[1] // owned):
        part = bases[:, i * step : i * step + short["window"]]
        found = model(part[None])[0][:, trim : trim + owned]
        expected = whole[:, i * owned : (i + 1) * owned]
        if (found - expected).abs().max() > EQUAL * whole.abs().max():
            return False
    return True


def sample_windows(plan: Plan, bases: Bases, count: int, *, device: torch.device) -> Tensor:
    """Encode windows of a plan, evenly spread over the genome: (up to `count`, 4, window)."""
    single = replace(plan, settings={**plan.settings, "batch_size": 1})
    shards = (Shard("", number, number + 1, "") for number in plan.spread_windows(count))
    batches = (next(read_batches(single, bases, shard)) for shard in shards)
    return torch.cat([encode_batch(single, batch, device=device) for batch in batches])


def fill_batch(windows: Tensor, size: int) -> Tensor:
    """Repeat windows (N, 4, window) until there are `size`."""
    return windows.repeat(-(-size // len(windows)), 1, 1)[:size]


def choose_precision(make: Callable[[str], Forward], windows: Tensor, device: torch.device) -> dict:
    """`auto`: fp32 on the CPU; on a GPU bf16 where it stays near fp32, else tf32.

    Parameters
    ----------
    make : callable
        Precision -> forward pass.
    windows : float32 tensor (N, 4, window)
    device : torch.device

    Returns
    -------
    dict
        `precision`, and `deviation` of bf16 where it was tried.
    """
    if device.type == "cpu":
        return {"precision": "fp32"}
    return judge_precision(make, windows)


def judge_precision(make: Callable[[str], Forward], windows: Tensor) -> dict:
    """bf16 if its largest deviation from fp32 is at most 2% of the largest value, else tf32."""
    forward = make("bf16")
    deviation = forward.measure_deviation(windows, forward(windows))
    near = deviation["largest"] <= TOLERANCE * deviation["scale"]
    return {"precision": "bf16" if near else "tf32", "deviation": deviation}


def choose_batch(
    forward: Forward, windows: Tensor, device: torch.device
) -> tuple[int, list[dict[str, float]]]:
    """The smallest batch within 5% of the best rate, as far as time and memory allow.

    Parameters
    ----------
    forward : Forward
    windows : float32 tensor (N, 4, window)
        Repeated to fill the batches.
    device : torch.device

    Returns
    -------
    batch_size : int
    tried : list of dict
        `batch_size`, `seconds` a window and `bytes` that the batch took.
    """
    before = _start_bytes(device)
    tried = []
    for size in BATCHES:
        seconds = time_best(forward, fill_batch(windows, size), device)
        if forward.part is not None:  # it did not fit
            forward.part = None
            break
        taken = max(0, _peak_bytes(device) - before)
        tried.append({"batch_size": size, "seconds": seconds / size, "bytes": taken})
        if seconds > SECONDS or 2 * taken > _room(device) or _stalls(tried):
            break
    if not tried:
        return 1, tried
    best = min(row["seconds"] for row in tried)
    return next(row["batch_size"] for row in tried if row["seconds"] <= best / 0.95), tried


def _stalls(tried: list[dict[str, float]]) -> bool:
    """Whether doubling the batch twice brought next to nothing."""
    rates = [row["seconds"] for row in tried]
    return len(rates) > 2 and min(rates[-2:]) > 0.98 * min(rates[:-2])


def time_best(forward: Forward, batch: Tensor, device: torch.device) -> float:
    """Seconds of a forward pass: the better of two, but for slow ones."""
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


def probe_run(settings: dict, model: dict, genome: GenomeIndex, *, bases: Bases, device) -> dict:
    """Find out what the settings leave to `auto`.

    Parameters
    ----------
    settings : dict
        Those of the plan (see `planning.plan_run`) that concern a forward pass, with `auto` where
        it is to be found out, and `window`.
    model : dict
        model.json.
    genome : GenomeIndex
    bases : Bases
        The run's normalised genome.
    device : torch.device

    Returns
    -------
    dict
        `geometry`, `batch_size` and `precision` to plan with, and what was measured: `seconds` a
        window, `window` (see `lengthen_window`), `deviation`, `tried` batches, the `device`.
    """
    folds = [
        load(
            fold["weights"],
            architecture=fold["architecture"],
            window=model["geometry"]["window"],
            activation=model["activation"] or "logits",
        )[0]
        for fold in model["folds"]
    ]
    found: dict = {"geometry": model["geometry"], "device": describe_device(device)}
    if settings["window"] == "auto":
        lengths = [contig.length for contig in genome.contigs if contig.length]
        lengthened = lengthen_window(folds, model, trim=settings["trim"], lengths=lengths)
        found |= {"geometry": lengthened.pop("geometry"), "window": lengthened}
    plan = plan_run({**settings, **DRAFTED}, model, genome, found={"geometry": found["geometry"]})
    prepared = ModuleList(prepare_planned_model(fold, plan) for fold in folds).to(device)
    make = partial(make_forward, prepared, plan, device=device)
    windows = sample_windows(plan, bases, SAMPLE, device=device)
    chosen = settings["precision"]
    with torch.inference_mode():
        if chosen == "auto":
            found |= choose_precision(make, windows, device)
            chosen = found["precision"]
        size = settings["batch_size"]
        if size == "auto":
            size, tried = choose_batch(make(chosen), windows, device)
            found |= {"batch_size": size, "tried": tried}
            timed = {row["batch_size"]: row["seconds"] for row in tried}
            found |= {"seconds": timed[size]} if timed else {}
        elif settings.get("shards") == "auto":
            found["seconds"] = time_best(make(chosen), fill_batch(windows, size), device) / size
    return found
