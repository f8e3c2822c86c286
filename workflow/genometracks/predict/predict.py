"""The prediction of one shard, as a stream: windows -> batches -> model -> owned bins.

The bases of a batch are read once, as codes, while the previous batch is computed. They are encoded
and cut into windows on the device. Only the bins that the batch owns, of the requested tracks, are
copied back. Nothing is written here.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import ModuleList

from genometracks.common.deviation import Deviation
from genometracks.common.prefetch import prefetch
from genometracks.config.sections import Precision
from genometracks.errors import UserError
from genometracks.inputs.bases import Bases
from genometracks.plan.plan import Plan, Shard
from genometracks.predict.average import Average
from genometracks.predict.batches import Batch, cut_owned, encode_batch, read_batches
from genometracks.predict.blend import blend_windows
from genometracks.predict.device import CopyBack, describe_device
from genometracks.predict.forward import Forward
from genometracks.predict.seams import SeamMeter
from genometracks.shards.sidecar import Notes
from grelu_models.checkpoint import load_unmeasured
from grelu_models.inference import prepare_for_inference


def load_planned_model(plan: Plan) -> ModuleList:
    """Load the folds of the plan's model, verify and prepare them.

    Norms are folded into convolutions, and only the channels of the recipe are computed.

    Raises
    ------
    UserError
        If the weights changed since the plan was made.
    """
    folds = []
    for fold in plan.model.folds:
        model, digest = load_unmeasured(
            fold.weights,
            architecture=fold.architecture,
            activation=plan.model.activation or "logits",
            code=fold.code,
        )
        if digest != fold.digest:
            raise UserError(
                f"{fold.weights}: the weights changed since the plan was made: touch this file, "
                "so that Snakemake notices the change, and run again"
            )
        folds.append(prepare_planned_model(model, plan))
    return ModuleList(folds)


def prepare_planned_model(model: nn.Module, plan: Plan) -> nn.Module:
    """Fold norms into convolutions, and drop the channels that the recipe does not need."""
    channels = plan.recipe.channels
    whole = len(channels) == plan.model.geometry.tracks
    return prepare_for_inference(model, tracks=None if whole else channels)


def make_forward(
    folds: ModuleList, plan: Plan, precision: Precision, *, device: torch.device
) -> Forward:
    """Make the plan's forward pass from prepared models that are on the device."""
    measured = plan.model.geometry
    average = Average(
        plan.recipe,
        activation=plan.model.activation,
        folds=len(folds),
        window=measured.window,
        bin=measured.bin,
        device=device,
    )
    return Forward(
        folds,
        device=device,
        average=average,
        strands=average.strands,
        precision=precision,
        compiled=plan.settings.compile,
    )


class ShardPrediction:
    """The prediction of one shard, batch by batch.

    Bases are read ahead and, on a GPU, values are copied back while the next batch is computed.

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
    report : callable, optional
        Called after each batch with (windows done, all windows). Default does nothing.
    """

    def __init__(
        self,
        plan: Plan,
        bases: Bases,
        *,
        model: ModuleList,
        shard: Shard,
        device: torch.device,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._plan, self._bases, self._shard = plan, bases, shard
        self._device, self._report = device, report
        model = model.to(device).eval()
        self._forward = make_forward(model, plan, plan.settings.precision, device=device)
        self._seams = SeamMeter(plan)
        self._deviation: Deviation | None = None

    def pieces(self) -> Iterator[npt.NDArray[np.float32]]:
        """Yield arrays (tracks, bins): the bins that each batch owns, in order."""
        back, shard = CopyBack(self._device), self._shard
        with torch.inference_mode():
            for batch, values in blend_windows(self._plan, self._predict_batches()):
                yield from back.push(cut_owned(self._plan, values, runs=batch.runs))
                self._report(batch.last - shard.first, shard.windows)
            yield from back.flush()

    def _predict_batches(self) -> Iterator[tuple[Batch, Tensor]]:
        for batch in prefetch(read_batches(self._plan, self._bases, self._shard)):
            windows = encode_batch(self._plan, batch, device=self._device)
            outputs = self._forward(windows)
            if self._plan.settings.precision != "fp32" and self._deviation is None:
                self._deviation = self._forward.measure_deviation(windows, outputs)
            self._seams.add(batch, outputs)
            yield batch, outputs

    def notes(self) -> Notes:
        """How the values were computed; complete after the last piece."""
        return Notes(
            versions=describe_versions(),
            deviation=self._deviation,
            borders=self._seams.measured(),
            device=describe_device(self._device),
            batch_size=self._forward.part or self._plan.settings.batch_size,
            compiled=self._forward.compiled,
        )


def describe_versions() -> dict[str, str]:
    """Versions of the packages that compute the values."""
    import grelu_models

    return {
        "grelu_tracks": grelu_models.__version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
    }
