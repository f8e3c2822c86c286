"""probe.json: what was found out once stays, so that a second look repeats no prediction."""

import hashlib
import json
from pathlib import Path

from genometracks.common.atomic import write_atomically

FORMAT = 1


def digest_probe(settings: dict, model: dict, *, device: str) -> str:
    """sha256 of what was asked of a probe; the genome is left out, for it may grow."""
    asked = {
        "format": FORMAT,
        "settings": settings,
        "model": [model[key] for key in ("digest", "geometry", "flanks")],
        "device": device,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def read_probe(path: Path, digest: str) -> dict | None:
    """What an earlier probe found, if the same was asked of it."""
    try:
        found = json.loads(Path(path).read_text())
        return found if found.pop("digest") == digest else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_probe(path: Path, found: dict, *, digest: str) -> None:
    """Write probe.json, whole or not at all."""
    with write_atomically(path) as file:
        file.write(json.dumps({"digest": digest, **found}, indent=1).encode() + b"\n")


def describe_probe(found: dict) -> str:
    """Tell what was found, and why."""
    lines = [f"probe on {found['device']}:"]
    if "window" in found:
        window, edge = found["geometry"]["window"], found["window"]["edge_bins"]
        lines.append(f"  window {window:,} bp: {found['window']['why']}")
        if edge is not None:
            lines.append(f"  {edge} bins at each end of its output read beyond it")
    if "precision" in found:
        deviation = found.get("deviation")
        part = f", bf16 deviates by {deviation['largest']:.3g}" if deviation else ""
        lines.append(f"  precision {found['precision']}{part}")
    for row in found.get("tried", []):
        lines.append(f"  batch of {row['batch_size']}: {row['seconds']:.4g} s a window")
    if "seconds" in found:
        lines.append(f"  a window takes {found['seconds']:.4g} s")
    if "batch_size" in found:
        lines.append(f"  batch_size {found['batch_size']}")
    return "\n".join(lines)
