"""One shard: stream windows -> batches -> model -> owned bins.

A batch's bases are read once, as codes, ahead of the batch that is computed; they are encoded and
cut into windows on the device, and only the bins that the batch owns, of the tracks that were
asked for, come back.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import torch

from genometracks.ahead import run_ahead
from genometracks.batches import Batch, cut_owned, encode_batch, read_batches
from genometracks.blend import blend_windows
from genometracks.device import CopyBack, describe_device
from genometracks.errors import UserError
from genometracks.forward import Forward
from genometracks.genome import Bases
from genometracks.plan import Plan, Shard
from genometracks.seams import SeamMeter
from grelu_models.checkpoint import load_unmeasured
from grelu_models.inference import prepare_for_inference
from grelu_models.models import BaseModel


def load_planned_model(plan: Plan) -> BaseModel:
    """Load the plan's model, prove that its weights are those of the plan, and prepare it.

    Norms are folded into convolutions, and only the selected tracks are computed, unless the
    activation needs all of them.

    Raises
    ------
    UserError
        If the weights changed since the plan was made.
    """
    described = plan.model
    model, digest = load_unmeasured(
        described["weights"],
        architecture=described["architecture"],
        activation=described["activation"] or "logits",
    )
    if digest != described["digest"]:
        raise UserError(
            f"{described['weights']}: the weights changed since the plan was made: run again"
        )
    return prepare_planned_model(model, plan)


def prepare_planned_model(model: BaseModel, plan: Plan) -> BaseModel:
    """Fold norms, and drop the tracks that are neither asked for nor needed."""
    selected = [track["index"] for track in plan.tracks]
    return prepare_for_inference(model, tracks=None if _needs_all_tracks(plan) else selected)


def make_forward(
    model: torch.nn.Module, plan: Plan, precision: str, *, device: torch.device
) -> Forward:
    """The plan's forward pass, of a prepared model on its device."""
    return Forward(
        model,
        device=device,
        activation=plan.model["activation"],
        precision=precision,
        compiled=plan.settings["compile"],
        tracks=[track["index"] for track in plan.tracks] if _needs_all_tracks(plan) else None,
    )


def _needs_all_tracks(plan: Plan) -> bool:
    """Whether a track's value depends on the others'."""
    return plan.model["activation"] == "softmax"


def predict_shard(
    plan: Plan,
    bases: Bases,
    *,
    model: torch.nn.Module,
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
    model : nn.Module
        From `load_planned_model`: (N, 4, window) -> logits (N, tracks, bins); moved to `device`.
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
