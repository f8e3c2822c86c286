"""probe.json: the result of a probe, kept so that a later probe with the same inputs reuses it."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genometracks.common.deviation import Deviation
from genometracks.common.records import as_plain, load_record, optional, save_record
from genometracks.config.sections import Precision
from genometracks.config.settings import ForwardSettings
from genometracks.errors import UserError
from genometracks.inputs.check_record import check_geometry, check_range
from genometracks.inputs.model import ModelFile
from grelu_models.geometry import Geometry

FORMAT = 1


@dataclass(frozen=True)
class ChosenWindow:
    """Why a window length was chosen, and the bins at each end of its output that read beyond it.

    `edge_bins` is None if every bin may depend on bases beyond the window.
    """

    edge_bins: int | None
    why: str


@dataclass(frozen=True)
class TriedBatch:
    """A batch size that was tried: `seconds` per window, and `bytes` that the batch took."""

    batch_size: int
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Probe:
    """Values determined for settings that are left at `auto`; None for all others.

    Attributes
    ----------
    digest : str
        sha256 of the probe's inputs (`digest_probe`).
    geometry : Geometry
        Geometry of the model at the window to use.
    device : str
        Name of the device on which it was measured.
    window : ChosenWindow, optional
    precision : str, optional
    deviation : Deviation, optional
        Deviation of bf16 from fp32.
    batch_size : int, optional
    tried : tuple of TriedBatch, optional
    seconds : float, optional
        Seconds per window.
    """

    digest: str
    geometry: Geometry
    device: str
    window: ChosenWindow | None = optional()
    precision: Precision | None = optional()
    deviation: Deviation | None = optional()
    batch_size: int | None = optional()
    tried: tuple[TriedBatch, ...] | None = optional()
    seconds: float | None = optional()

    def save(self, path: Path) -> None:
        """Write probe.json, whole or not at all."""
        save_record(path, self, indent=1)

    @classmethod
    def load(cls, path: Path) -> "Probe":
        """Read probe.json; UserError if it is missing or damaged."""
        return load_record(cls, path, what="probe")

    def check(self) -> None:
        """Raise ValueError for values that no probe finds; called when the file is loaded."""
        check_geometry(self.geometry)
        if self.batch_size is not None:
            check_range("batch_size", self.batch_size, 1)
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise ValueError(f"seconds {self.seconds} is not a positive number")


def digest_probe(settings: ForwardSettings, model: ModelFile, *, device: str) -> str:
    """sha256 of a probe's inputs, except for the genome, which may change."""
    inputs: dict[str, Any] = {
        "format": FORMAT,
        "settings": as_plain(settings),
        "model": as_plain([model.digest, model.geometry, model.flanks]),
        "device": device,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def find_probe(path: Path, digest: str) -> Probe | None:
    """Read an earlier probe; None if it is missing, damaged or had other inputs."""
    try:
        found = Probe.load(path)
    except UserError:
        return None
    return found if found.digest == digest else None


def describe_probe(found: Probe) -> str:
    """Describe the determined values and the reasons for them, as text."""
    lines = [f"probe on {found.device}:"]
    if found.window:
        lines.append(f"  window {found.geometry.window:,} bp: {found.window.why}")
        if found.window.edge_bins is not None:
            lines.append(
                f"  {found.window.edge_bins} bins at each end of its output read beyond it"
            )
    if found.precision:
        deviation = found.deviation
        part = f", bf16 deviates by {deviation.largest:.3g}" if deviation else ""
        lines.append(f"  precision {found.precision}{part}")
    for row in found.tried or ():
        lines.append(f"  batch of {row.batch_size}: {row.seconds:.4g} s per window")
    if found.seconds:
        lines.append(f"  a window takes {found.seconds:.4g} s")
    if found.batch_size:
        lines.append(f"  batch_size {found.batch_size}")
    return "\n".join(lines)
