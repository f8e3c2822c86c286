"""manifest.json: everything needed to repeat a run, with a digest of every output."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any

from genometracks.common.atomic import write_atomically
from genometracks.common.records import as_plain, from_plain, load_plain, optional
from genometracks.common.sealing import Seal, digest_file, write_sealed
from genometracks.common.secrets import mask_plain
from genometracks.config.sections import Config, EvaluationConfig
from genometracks.export.seals import SealedResult
from genometracks.plan.plan import Plan
from genometracks.reading.about import FORMAT
from genometracks.shards.provenance import combine_notes
from genometracks.shards.sidecar import Sidecar

PACKAGES = ("grelu-tracks", "torch", "numpy", "pyarrow", "snakemake", "deflate", "xxhash")


@dataclass(frozen=True, kw_only=True)
class ObservedDigest:
    """A file that a run is evaluated with: an observed `bigwig`, or else a `file` of sites."""

    bigwig: str | None = optional()
    file: str | None = optional()
    sha256: str

    @property
    def path(self) -> Path:
        """The file, of either kind."""
        return Path(self.bigwig or self.file or "")


def write_manifest(
    path: Path,
    plan: Plan,
    *,
    config: Config,
    sidecars: Sequence[Sidecar],
    observed: Sequence[ObservedDigest],
    results: Iterable[SealedResult],
) -> Seal:
    """Write the manifest of a finished run, and return its seal.

    Parameters
    ----------
    path : Path
    plan : Plan
    config : Config
    sidecars : sequence of Sidecar
        From `merge.find_merged`: how the values were computed, and checksums of the shards.
    observed : sequence of ObservedDigest
        Empty if there are neither observed tracks nor sites.
    results : iterable of SealedResult
        Every result, as it was written.
    """
    manifest = {
        "format": FORMAT,
        "run": config.run,
        "config": mask_plain(config.plain),
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
        "versions": list_versions(),
        "outputs": _list_outputs(results),
    }
    with write_sealed(path) as file:
        file.write(json.dumps(manifest, indent=1).encode() + b"\n")
    return file.sealed


def _describe_average(plan: Plan) -> dict[str, Any]:
    return {
        "folds": len(plan.model.folds),
        "reverse_complement": plan.recipe.partners is not None,
        "shifts": list(plan.recipe.shifts),
        "order": plan.recipe.order,
        "computed": plan.tracks[0].computed,
    }


def _describe_shard(sidecar: Sidecar) -> dict[str, Any]:
    """Digest, checksum and notes; what is counted per track is listed once for the run."""
    once = ("borders", "underflow")
    notes = {key: note for key, note in as_plain(sidecar.notes).items() if key not in once}
    return {"digest": sidecar.digest, "checksum": as_plain(sidecar.checksum), "notes": notes}


def write_observed(path: Path, evaluation: EvaluationConfig) -> None:
    """Write observed.json: path and sha256 of each observed track, then of each file of sites."""
    bigwigs = [entry.bigwig for entry in evaluation.observed]
    digests = [ObservedDigest(bigwig=each, sha256=digest_file(Path(each))) for each in bigwigs]
    digests += [
        ObservedDigest(file=each, sha256=digest_file(Path(each))) for each in evaluation.site_files
    ]
    with write_atomically(path) as file:
        file.write(json.dumps(as_plain(digests), indent=1).encode() + b"\n")


def read_observed(path: Path) -> list[ObservedDigest]:
    """Read observed.json.

    Raises
    ------
    UserError
        If the file is missing or damaged.
    """

    def make(plain: object) -> list[ObservedDigest]:
        digests = from_plain(list[ObservedDigest], plain)
        if not all(bool(each.bigwig) != bool(each.file) for each in digests):
            raise ValueError("a digest is of no file, or of two")
        return digests

    return load_plain(path, make, what="digests")


def _list_outputs(results: Iterable[SealedResult]) -> dict[str, dict[str, Any]]:
    """Bytes and sha256 of every result, sorted by path."""
    ordered = sorted(results, key=lambda result: PurePosixPath(result.file))
    return {each.file: {"bytes": each.bytes, "sha256": each.sha256} for each in ordered}


def list_versions() -> dict[str, str]:
    """Versions of the packages that a run depends on, where they are installed."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
