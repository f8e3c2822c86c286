"""manifest.json: everything needed to run a run again, with a digest of every output."""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from genometracks.common.atomic import write_atomically
from genometracks.plan.plan import Plan
from genometracks.shards.provenance import gather_notes

FORMAT = 1
PACKAGES = ("grelu-tracks", "torch", "numpy", "pyarrow", "snakemake", "deflate", "xxhash")


def write_manifest(
    path: Path, plan: Plan, *, config: dict, sidecars: list[dict], observed: list[dict]
) -> None:
    """Write the manifest of a finished run.

    Parameters
    ----------
    path : Path
        In the run's folder; every file of the folder's results is listed with its sha256.
    plan : Plan
    config : dict
        The resolved config.
    sidecars : list of dict
        The shards' sidecars, from `merge.check_shards` or `merge.read_merged`: how the numbers
        were made, and their checksums.
    observed : list of dict
        Path and sha256 of each observed track.
    """
    manifest = {
        "format": FORMAT,
        "run": config["run"],
        "config": config,
        "genome": {
            **plan.genome,
            "bins": plan.bins,
            "padded_bins": plan.padded_bins,
            "windows": plan.windows,
        },
        "model": plan.model,
        "geometry": vars(plan.geometry),
        "settings": plan.settings,
        "average": {
            "folds": len(plan.model["folds"]),
            "reverse_complement": plan.recipe["partners"] is not None,
            **{key: plan.recipe[key] for key in ("shifts", "order")},
            "computed": plan.tracks[0]["computed"],
        },
        "prediction": gather_notes(sidecars),
        "observed": observed,
        "shards": {
            fields["shard"]: {
                **{key: fields[key] for key in ("digest", "checksum")},
                "notes": {key: note for key, note in fields["notes"].items() if key != "seams"},
            }
            for fields in sidecars
        },
        "versions": _list_versions(),
        "outputs": _digest_outputs(path.parent),
    }
    with write_atomically(path) as file:
        file.write(json.dumps(manifest, indent=1).encode() + b"\n")


def write_observed(path: Path, observed: list[dict]) -> None:
    """Write observed.json: path and sha256 of each observed track."""
    digests = [
        {"bigwig": entry["bigwig"], "sha256": digest_file(Path(entry["bigwig"]))}
        for entry in observed
    ]
    with write_atomically(path) as file:
        file.write(json.dumps(digests, indent=1).encode() + b"\n")


def read_observed(path: Path) -> list[dict]:
    """Read what `write_observed` wrote."""
    return json.loads(Path(path).read_text())


def digest_file(path: Path) -> str:
    """sha256 (hex) of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_outputs(folder: Path) -> dict[str, dict]:
    """Bytes and sha256 of every result: all that is not the run's workshop, or written later."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    outputs = {}
    for path in files:
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        later = inside.as_posix() in ("manifest.json", "summary.txt", "report.html")
        if hidden or later or inside.parts[0] in ("work", "logs"):
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
