"""manifest.json: everything needed to repeat a run, with a digest of every output."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genometracks.common.atomic import write_atomically
from genometracks.common.records import as_plain, from_plain
from genometracks.config.folders import RunFolder
from genometracks.config.sections import Config, Observed
from genometracks.errors import UserError
from genometracks.plan.plan import Plan
from genometracks.shards.provenance import combine_notes
from genometracks.shards.sidecar import Sidecar

FORMAT = 1
PACKAGES = ("grelu-tracks", "torch", "numpy", "pyarrow", "snakemake", "deflate", "xxhash")


@dataclass(frozen=True)
class ObservedDigest:
    """An observed track's file and its sha256."""

    bigwig: str
    sha256: str


def write_manifest(
    path: Path,
    plan: Plan,
    *,
    config: Config,
    sidecars: Sequence[Sidecar],
    observed: Sequence[ObservedDigest],
) -> None:
    """Write the manifest of a finished run.

    Parameters
    ----------
    path : Path
        In the run's folder; every result in the folder is listed with its sha256.
    plan : Plan
    config : Config
    sidecars : sequence of Sidecar
        From `merge.find_merged`: how the values were computed, and checksums of the shards.
    observed : sequence of ObservedDigest
        Empty if there are no observed tracks.
    """
    manifest = {
        "format": FORMAT,
        "run": config.run,
        "config": config.plain,
        "genome": {
            **as_plain(plan.genome),
            "bins": plan.bins,
            "padded_bins": plan.padded_bins,
            "windows": plan.windows,
        },
        "model": as_plain(plan.model),
        "geometry": as_plain(plan.geometry),
        "settings": as_plain(plan.settings),
        "average": _describe_average(plan),
        "prediction": as_plain(combine_notes(sidecars)),
        "observed": as_plain(list(observed)),
        "shards": {sidecar.shard: _describe_shard(sidecar) for sidecar in sidecars},
        "versions": _list_versions(),
        "outputs": _digest_outputs(RunFolder(path.parent)),
    }
    with write_atomically(path) as file:
        file.write(json.dumps(manifest, indent=1).encode() + b"\n")


def _describe_average(plan: Plan) -> dict[str, Any]:
    return {
        "folds": len(plan.model.folds),
        "reverse_complement": plan.recipe.partners is not None,
        "shifts": list(plan.recipe.shifts),
        "order": plan.recipe.order,
        "computed": plan.tracks[0].computed,
    }


def _describe_shard(sidecar: Sidecar) -> dict[str, Any]:
    """Digest, checksum and notes; the seams are listed once for the run."""
    notes = {key: note for key, note in as_plain(sidecar.notes).items() if key != "seams"}
    return {"digest": sidecar.digest, "checksum": as_plain(sidecar.checksum), "notes": notes}


def write_observed(path: Path, observed: Sequence[Observed]) -> None:
    """Write observed.json: path and sha256 of each observed track."""
    digests = [ObservedDigest(entry.bigwig, digest_file(Path(entry.bigwig))) for entry in observed]
    with write_atomically(path) as file:
        file.write(json.dumps(as_plain(digests), indent=1).encode() + b"\n")


def read_observed(path: Path) -> list[ObservedDigest]:
    """Read observed.json.

    Raises
    ------
    UserError
        If the file is missing or damaged.
    """
    try:
        return from_plain(list[ObservedDigest], json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: no usable digests ({error}): delete it and run again") from error


def digest_file(path: Path) -> str:
    """sha256 (hex) of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_outputs(run: RunFolder) -> dict[str, dict[str, Any]]:
    """Bytes and sha256 of every result: all files except intermediate and later ones, and logs."""
    later = (run.manifest, run.summary, run.report)
    outputs = {}
    for path in sorted(path for path in run.path.rglob("*") if path.is_file()):
        inside = path.relative_to(run.path)
        hidden = any(part.startswith(".") for part in inside.parts)
        if hidden or path in later or {run.work, run.logs} & set(path.parents):
            continue
        outputs[inside.as_posix()] = {"bytes": path.stat().st_size, "sha256": digest_file(path)}
    return outputs


def _list_versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
