"""Determination of settings left at `auto`: window, precision and batch size.

A few windows of the run's genome are predicted by its model on the available device. Nothing is
written here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import ModuleList

from genometracks.common.deviation import Deviation
from genometracks.common.records import as_plain, from_plain
from genometracks.config.sections import Precision
from genometracks.config.settings import ForwardSettings, PlanSettings
from genometracks.inputs.bases import Bases
from genometracks.inputs.genome import GenomeIndex
from genometracks.inputs.model import ModelFile
from genometracks.plan.make import make_plan
from genometracks.plan.plan import Plan, Shard
from genometracks.plan.probe_file import Probe
from genometracks.predict.batches import encode_batch, read_batches
from genometracks.predict.device import describe_device
from genometracks.predict.forward import Forward
from genometracks.predict.predict import make_forward, prepare_planned_model
from genometracks.preflight.batch_size import choose_batch, fill_batch
from genometracks.preflight.longer_window import lengthen_window
from genometracks.preflight.timing import time_best
from grelu_models.checkpoint import load_unmeasured

SAMPLE = 8
"""Windows that are predicted, evenly spread over the genome."""

TOLERANCE = 0.02
"""Largest deviation from fp32, as a fraction of the largest value, at which `auto` is bf16."""


@dataclass(frozen=True)
class PrecisionChoice:
    """The precision to use, and the deviation of bf16 from fp32, if it was tried."""

    precision: Precision
    deviation: Deviation | None = None


def sample_windows(plan: Plan, bases: Bases, count: int, *, device: torch.device) -> Tensor:
    """Encode windows of a plan, evenly spread over the genome: (up to `count`, 4, window)."""
    single = replace(plan, settings=replace(plan.settings, batch_size=1))
    shards = (Shard("", number, number + 1, "") for number in plan.spread_windows(count))
    batches = (next(read_batches(single, bases, shard)) for shard in shards)
    return torch.cat([encode_batch(single, batch, device=device) for batch in batches])


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


def _load_folds(model: ModelFile) -> list[nn.Module]:
    return [
        load_unmeasured(
            fold.weights,
            architecture=fold.architecture,
            activation=model.activation or "logits",
            code=fold.code,
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
