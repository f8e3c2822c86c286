"""One shard: stream windows -> batches -> model -> owned bins.

A batch's bases are read once, as codes, ahead of the batch that is computed; they are encoded and
cut into windows on the device, and only the bins that the batch owns, of the tracks that were
asked for, come back.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genometracks.ahead import run_ahead
from genometracks.errors import UserError
from genometracks.genome import Bases
from genometracks.plan import Plan, Shard
from grelu_models.card import ACTIVATIONS
from grelu_models.checkpoint import load
from grelu_models.inference import prepare_for_inference

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def load_planned_model(plan: Plan) -> torch.nn.Module:
    """Load the plan's model, prove that its weights are those of the plan, and prepare it.

    Norms are folded into convolutions, and only the selected tracks are computed, unless the
    activation needs all of them.

    Raises
    ------
    UserError
        If the weights changed since the plan was made.
    """
    described = plan.model
    model, card = load(
        described["weights"],
        architecture=described["architecture"],
        window=plan.geometry.window,
        activation=described["activation"] or "logits",
    )
    if card.digest != described["digest"]:
        raise UserError(
            f"{described['weights']}: the weights changed since the plan was made: run again"
        )
    selected = [track["index"] for track in plan.tracks]
    return prepare_for_inference(model, tracks=None if needs_all_tracks(plan) else selected)


def needs_all_tracks(plan: Plan) -> bool:
    """Whether a track's value depends on the others'."""
    return plan.model["activation"] == "softmax"


def prepare_device(device: str, *, threads: int = 1) -> torch.device:
    """Set the CPU threads, and choose: `auto` is the first CUDA device, else the CPU.

    Raises
    ------
    UserError
        If CUDA is asked for and not there.
    """
    torch.set_num_threads(threads)
    cuda = torch.cuda.is_available()
    if device.startswith("cuda") and not cuda:
        raise UserError("prediction.device: no CUDA device is usable here: use auto or cpu")
    return torch.device(("cuda" if cuda else "cpu") if device == "auto" else device)


def predict_shard(
    plan: Plan,
    bases: Bases,
    *,
    model: torch.nn.Module,
    shard: Shard,
    device: torch.device,
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
    report : callable
        Called with (windows done, windows in all) after each batch.

    Yields
    ------
    float32 array (tracks, bins)
        The bins that a batch owns, in order.
    """
    model = model.to(device).eval()
    activate = ACTIVATIONS[plan.model["activation"]]
    selected = None
    if needs_all_tracks(plan):
        selected = torch.tensor([track["index"] for track in plan.tracks], device=device)
    trim, length = plan.geometry.trim, plan.geometry.length
    back = _CopyBack(device)
    with torch.inference_mode(), _precision(plan.settings["precision"], device):
        for batch in run_ahead(_read_batches(plan, bases, shard)):
            windows = encode_batch(plan, batch, device=device)
            outputs = activate(model(windows).float())[: batch.windows, :, trim : length - trim]
            if selected is not None:
                outputs = outputs.index_select(1, selected)
            yield from back.push(_cut_owned(plan, outputs, runs=batch.runs))
            report(batch.last - shard.first, shard.last - shard.first)
        yield from back.flush()


@dataclass(frozen=True)
class Batch:
    """Windows that one forward pass predicts, and the bases they read.

    Attributes
    ----------
    runs : list of (contig, first window, last window)
    codes : list of uint8 array
        Of each run: the stretch from its first window's start to its last window's end.
    last : int
        Number, in the plan, of the window after the last one.
    windows : int
    """

    runs: list[tuple[str, int, int]]
    codes: list[np.ndarray]
    last: int
    windows: int


def _read_batches(plan: Plan, bases: Bases, shard: Shard) -> Iterator[Batch]:
    size = plan.settings["batch_size"]
    for first in range(shard.first, shard.last, size):
        last = min(first + size, shard.last)
        runs = list(plan.window_runs(first, last))
        codes = []
        for contig, begin, end in runs:
            starts = plan.geometry.starts(begin, end)
            codes.append(
                bases.codes(contig, int(starts[0]), int(starts[-1]) + plan.geometry.window)
            )
        yield Batch(runs, codes, last, last - first)


def encode_batch(plan: Plan, batch: Batch, *, device: torch.device) -> Tensor:
    """One-hot encode a batch on the device; the genome's last one is filled up with windows of N.

    Kernels round differently for another batch size, so that a window's value would depend on
    where the genome ends.

    Returns
    -------
    float32 tensor (batch size, 4, window)
        A, C, G, T; all zeros for N and past the contig's ends.
    """
    window = plan.geometry.window
    step = plan.geometry.owned * plan.geometry.bin
    encoded = torch.zeros((plan.settings["batch_size"], 4, window), device=device)
    letters = torch.arange(4, dtype=torch.uint8, device=device)[:, None]
    done = 0
    for (_, begin, end), codes in zip(batch.runs, batch.codes, strict=True):
        stretch = _send(torch.from_numpy(codes), device)
        windows = (stretch == letters).unfold(1, window, step).transpose(0, 1)
        encoded[done : done + end - begin] = windows
        done += end - begin
    return encoded


def _send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to the device; to a GPU without waiting for it."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


class _CopyBack:
    """Outputs from the device: on a GPU, copied while the next batch is computed already."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._waiting: tuple[Tensor, torch.cuda.Event] | None = None

    def push(self, outputs: Tensor) -> Iterator[np.ndarray]:
        """Take a batch's outputs; yield those of an earlier batch that have arrived."""
        if not self._cuda:
            yield outputs.numpy()
            return
        host = torch.empty(outputs.shape, dtype=outputs.dtype, pin_memory=True)
        host.copy_(outputs, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()
        yield from self.flush()
        self._waiting = host, arrived

    def flush(self) -> Iterator[np.ndarray]:
        """Yield what is under way."""
        if self._waiting is not None:
            host, arrived = self._waiting
            self._waiting = None
            arrived.synchronize()
            yield host.numpy()


def _cut_owned(plan: Plan, outputs: Tensor, *, runs: list[tuple[str, int, int]]) -> Tensor:
    """Outputs (windows, tracks, owned) -> the bins the windows own (tracks, bins)."""
    owned = plan.geometry.owned
    pieces, done = [], 0
    for contig, first, last in runs:
        joined = outputs[done : done + last - first].transpose(0, 1).flatten(1)
        for begin, end in plan.owned_bins(contig, first, last):
            pieces.append(joined[:, begin - first * owned : end - first * owned])
        done += last - first
    return pieces[0].contiguous() if len(pieces) == 1 else torch.cat(pieces, dim=1)


def _precision(precision: str, device: torch.device) -> AbstractContextManager:
    """fp32 is true float32; tf32 lets matrix units round; bf16 and fp16 run under autocast."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    if precision in AUTOCAST:
        return torch.autocast(device.type, AUTOCAST[precision])
    return nullcontext()


class Progress:
    """Rate and time left: a line that rewrites itself on a terminal, a line a minute in a file."""

    def __init__(self, what: str) -> None:
        self._what, self._stream = what, sys.stderr
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        terminal = self._stream.isatty()
        if done < total and now - self._last < (0.2 if terminal else 60):
            return
        self._last = now
        rate = done / max(now - self._start, 1e-9)
        left = (total - done) / rate
        line = f"{self._what}: {done}/{total} windows, {rate:.0f}/s, {left:.0f} s left"
        print(line, end="\r" if terminal and done < total else "\n", file=self._stream, flush=True)


def describe_versions() -> dict[str, str]:
    """Versions of what makes the numbers."""
    import grelu_models

    return {
        "grelu_tracks": grelu_models.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
    }
