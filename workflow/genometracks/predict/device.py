"""The device that predicts: its choice, its arithmetic, and asynchronous copies."""

import ctypes
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genometracks.config.sections import Precision
from genometracks.errors import UserError
from genometracks.predict.claim import claim_device, list_visible

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
MISSED = (
    "CUDA_VISIBLE_DEVICES names a device that PyTorch cannot use: predicting on the CPU, which is "
    "slow: check the driver and PyTorch, or set prediction.device: cuda to make this an error"
)

LOG = logging.getLogger(__name__)


def prepare_device(device: str, *, threads: int = 1, claim: bool = False) -> torch.device:
    """Set the number of CPU threads, and choose the device: `auto` is CUDA where available.

    Parameters
    ----------
    device : str
        `auto`, `cpu`, `cuda` or `cuda:N`.
    threads : int
        CPU threads. Default is 1.
    claim : bool
        Whether to take a device that no other job has claimed, and to wait for one if necessary.
        Default is False: the first device.

    Raises
    ------
    UserError
        If the requested CUDA device is not available.
    """
    torch.set_num_threads(threads)
    _keep_freed_memory()
    cuda = torch.cuda.is_available()
    if device.startswith("cuda") and not cuda:
        raise UserError("prediction.device: no CUDA device is usable here: use auto or cpu")
    index = _claim(device, cuda=cuda) if claim and device != "cpu" else None
    if index is not None and cuda:
        return torch.device("cuda", index)
    if device == "auto" and not cuda and list_visible(0, os.environ.get("CUDA_VISIBLE_DEVICES")):
        LOG.warning(MISSED)
    return torch.device(("cuda" if cuda else "cpu") if device == "auto" else device)


def _claim(device: str, *, cuda: bool) -> int | None:
    """Claim one of the visible devices and return its index; None if there are none."""
    count = torch.cuda.device_count() if cuda else 0
    names = list_visible(count, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if cuda:
        names = names[:count]
    if not names:
        return None
    only = int(device.split(":")[1]) if ":" in device else None
    if only is not None and only >= len(names):
        raise UserError(f"prediction.device: {device}: only {len(names)} are visible: use auto")
    # UUIDs: device 0 in one container may be another card than device 0 in the next.
    cards = [str(torch.cuda.get_device_properties(i).uuid) for i in range(count)]
    return claim_device(names, cards if cuda else names, only=only)


def describe_device(device: torch.device) -> str:
    """Name of the device: the vendor's name of a GPU, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _keep_freed_memory() -> None:
    """Make glibc reuse freed memory instead of returning it to the kernel.

    Every layer's output is a block of many megabytes. By default, each is mapped anew, and page
    faults took a fifth (small ConvModel) to two fifths (small Enformer) of a forward pass.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    trim_threshold, mmap_max, arena_max = -1, -4, -8  # malloc.h
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(mmap_max, 0)
    mallopt(arena_max, 1)  # one heap for all threads: others cannot hold blocks beyond 64 MB


@contextmanager
def use_precision(precision: Precision, device: torch.device) -> Iterator[None]:
    """Run the block in a precision: fp32 is exact float32; tf32 rounds the factors of products.

    bf16 and fp16 run under autocast.
    """
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    _allow_tf32(precision == "tf32", precision == "tf32")
    low = AUTOCAST.get(precision)
    try:
        with torch.autocast(device.type, low) if low else nullcontext():
            yield
    finally:
        _allow_tf32(*before)


def _allow_tf32(matmul: bool, cudnn: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = matmul
    torch.backends.cudnn.allow_tf32 = cudnn


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to the device; to a GPU asynchronously."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


class CopyBack:
    """Copies outputs to the host; from a GPU while the next batch is computed."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._waiting: tuple[Tensor, torch.cuda.Event] | None = None

    def push(self, outputs: Tensor) -> Iterator[npt.NDArray[np.float32]]:
        """Start to copy a batch's outputs; yield those of the previous batch (CPU: of this one)."""
        if not self._cuda:
            yield outputs.numpy()
            return
        host = torch.empty(outputs.shape, dtype=outputs.dtype, pin_memory=True)
        host.copy_(outputs, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()
        yield from self.flush()
        self._waiting = host, arrived

    def flush(self) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the outputs that are still being copied."""
        if self._waiting is not None:
            host, arrived = self._waiting
            self._waiting = None
            arrived.synchronize()
            yield host.numpy()
