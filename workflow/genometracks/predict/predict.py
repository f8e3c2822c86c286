"""One shard: stream windows -> batches -> model -> owned bins.

A batch's bases are read once, as codes, ahead of the batch that is computed; they are encoded and
cut into windows on the device, and only the bins that the batch owns, of the tracks that were
asked for, come back.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.nn import ModuleList

from genometracks.common.prefetch import run_ahead
from genometracks.errors import UserError
from genometracks.inputs.genome import Bases
from genometracks.plan.plan import Plan, Shard
from genometracks.predict.average import Average
from genometracks.predict.batches import Batch, cut_owned, encode_batch, read_batches
from genometracks.predict.blend import blend_windows
from genometracks.predict.device import CopyBack, describe_device
from genometracks.predict.forward import Forward
from genometracks.predict.seams import SeamMeter
from grelu_models.checkpoint import load_unmeasured
from grelu_models.inference import prepare_for_inference
from grelu_models.models import BaseModel


def load_planned_model(plan: Plan) -> ModuleList:
    """Load the folds of the plan's model, prove that they are the plan's, and prepare them.

    Norms are folded into convolutions, and only channels that the recipe needs are computed.

    Raises
    ------
    UserError
        If the weights changed since the plan was made.
    """
    folds = []
    for fold in plan.model["folds"]:
        model, digest = load_unmeasured(
            fold["weights"],
            architecture=fold["architecture"],
            activation=plan.model["activation"] or "logits",
        )
        if digest != fold["digest"]:
            raise UserError(
                f"{fold['weights']}: the weights changed since the plan was made: run again"
            )
        folds.append(prepare_planned_model(model, plan))
    return ModuleList(folds)


def prepare_planned_model(model: BaseModel, plan: Plan) -> BaseModel:
    """Fold norms, and drop the channels that are neither asked for nor needed."""
    channels = plan.recipe["channels"]
    whole = len(channels) == plan.model["geometry"]["tracks"]
    return prepare_for_inference(model, tracks=None if whole else channels)


def make_forward(folds: ModuleList, plan: Plan, precision: str, *, device: torch.device) -> Forward:
    """The plan's forward passes, of prepared models on their device."""
    measured = plan.model["geometry"]
    average = Average(
        plan.recipe,
        activation=plan.model["activation"],
        folds=len(folds),
        window=measured["window"],
        bin=measured["bin"],
        device=device,
    )
    return Forward(
        folds,
        device=device,
        average=average,
        precision=precision,
        compiled=plan.settings["compile"],
    )


def predict_shard(
    plan: Plan,
    bases: Bases,
    *,
    model: ModuleList,
    shard: Shard,
    device: torch.device,
    notes: dict | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[np.ndarray]:
    """Predict a shard batch by batch, while bases are read ahead and, on a GPU, copied back.

    Parameters
    ----------
    plan : Plan
    bases : Bases
        The genome.
    model : nn.ModuleList
        From `load_planned_model`: (N, 4, window) -> logits (N, channels, bins); moved to `device`.
    shard : Shard
        Starts at a multiple of the plan's batch size.
    device : torch.device
    notes : dict, optional
        Gets what was done: `device`, `batch_size` (windows at once, fewer than the plan's where
        memory was short), `compiled`, `deviation` from fp32 in the first batch (`largest`
        difference, `scale`: largest value) where another precision is used, and `seams` (see
        `SeamMeter.notes`).
    report : callable
        Called with (windows done, windows in all) after each batch.

    Yields
    ------
    float32 array (tracks, bins)
        The bins that a batch owns, in order.
    """
    notes = {} if notes is None else notes
    settings = plan.settings
    model = model.to(device).eval()
    forward = make_forward(model, plan, settings["precision"], device=device)
    back = CopyBack(device)
    seams = SeamMeter(plan)

    def predict_batches() -> Iterator[tuple[Batch, torch.Tensor]]:
        for batch in run_ahead(read_batches(plan, bases, shard)):
            windows = encode_batch(plan, batch, device=device)
            outputs = forward(windows)
            if settings["precision"] != "fp32" and "deviation" not in notes:
                notes["deviation"] = forward.measure_deviation(windows, outputs)
            seams.add(batch, outputs)
            yield batch, outputs

    with torch.inference_mode():
        for batch, values in blend_windows(plan, predict_batches()):
            yield from back.push(cut_owned(plan, values, runs=batch.runs))
            report(batch.last - shard.first, shard.last - shard.first)
        yield from back.flush()
    notes["seams"] = seams.notes()
    notes["device"] = describe_device(device)
    notes["batch_size"] = forward.part or settings["batch_size"]
    notes["compiled"] = forward.compiled


def describe_versions() -> dict[str, str]:
    """Versions of what makes the numbers."""
    import grelu_models

    return {
        "grelu_tracks": grelu_models.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
    }
