"""One shard: stream windows -> batches -> model -> owned bins.

A batch's bases are read once as codes, encoded and cut into windows on the device, and only the
bins that the batch owns, of the tracks that were asked for, come back.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from genometracks.errors import UserError
from genometracks.genome import Bases
from genometracks.plan import Plan, Shard
from grelu_models.card import ACTIVATIONS
from grelu_models.checkpoint import load

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def load_planned_model(plan: Plan) -> torch.nn.Module:
    """Load the plan's model, and prove that its weights are those of the plan.

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
    return model


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
    """Predict a shard batch by batch.

    Parameters
    ----------
    plan : Plan
    bases : Bases
        The genome.
    model : nn.Module
        (N, 4, window) -> logits (N, channels, bins); moved to `device`.
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
    channels = torch.tensor([track["index"] for track in plan.tracks], device=device)
    trim, length = plan.geometry.trim, plan.geometry.length
    batch = plan.settings["batch_size"]
    with torch.inference_mode(), _precision(plan.settings["precision"], device):
        for first in range(shard.first, shard.last, batch):
            last = min(first + batch, shard.last)
            runs = list(plan.window_runs(first, last))
            windows = _fill_batch(plan, bases, runs=runs, device=device)
            outputs = activate(model(windows).float())[: last - first, :, trim : length - trim]
            outputs = outputs.index_select(1, channels)
            yield _cut_owned(plan, outputs, runs=runs)
            report(last - shard.first, shard.last - shard.first)


def _fill_batch(
    plan: Plan, bases: Bases, *, runs: list[tuple[str, int, int]], device: torch.device
) -> Tensor:
    """Encode a batch of windows; the genome's last batch is filled up with windows of N.

    Kernels round differently for another batch size, so that a window's value would depend on
    where the genome ends.
    """
    size = (plan.settings["batch_size"], 4, plan.geometry.window)
    batch = torch.zeros(size, device=device)
    done = 0
    for run in runs:
        windows = encode_windows(plan, bases, run=run, device=device)
        batch[done : done + len(windows)] = windows
        done += len(windows)
    return batch


def encode_windows(
    plan: Plan, bases: Bases, *, run: tuple[str, int, int], device: torch.device
) -> Tensor:
    """One-hot encode a run of windows of one contig.

    Parameters
    ----------
    run : (contig, first window, last window)

    Returns
    -------
    float32 tensor (windows, 4, window)
        A, C, G, T; all zeros for N and past the contig's ends.
    """
    contig, first, last = run
    starts = plan.geometry.starts(first, last)
    window = plan.geometry.window
    codes = bases.codes(contig, int(starts[0]), int(starts[-1]) + window)
    codes = torch.from_numpy(codes).to(device)
    one_hot = (codes == torch.arange(4, dtype=torch.uint8, device=device)[:, None]).float()
    step = plan.geometry.owned * plan.geometry.bin
    return one_hot.unfold(1, window, step).transpose(0, 1)


def _cut_owned(plan: Plan, outputs: Tensor, *, runs: list[tuple[str, int, int]]) -> np.ndarray:
    """Outputs (windows, tracks, owned) -> the bins the windows own (tracks, bins), on the host."""
    owned = plan.geometry.owned
    pieces, done = [], 0
    for contig, first, last in runs:
        joined = outputs[done : done + last - first].transpose(0, 1).flatten(1)
        for begin, end in plan.owned_bins(contig, first, last):
            pieces.append(joined[:, begin - first * owned : end - first * owned])
        done += last - first
    return torch.cat(pieces, dim=1).cpu().numpy()


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
