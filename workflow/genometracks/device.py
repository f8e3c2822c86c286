"""The device that predicts: its choice, its arithmetic, and copies that do not wait."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from genometracks.errors import UserError

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


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


def set_precision(precision: str, device: torch.device) -> AbstractContextManager:
    """fp32 is true float32; tf32 lets matrix units round; bf16 and fp16 run under autocast."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    if precision in AUTOCAST:
        return torch.autocast(device.type, AUTOCAST[precision])
    return nullcontext()


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to the device; to a GPU without waiting for it."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


class CopyBack:
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
