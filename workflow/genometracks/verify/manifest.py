"""manifest.json, read to verify a run or to repeat it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genometracks.common.records import load_record
from genometracks.export.seals import SealedResult, is_inside
from genometracks.plan.plan import Settings
from genometracks.reading.about import FORMAT


@dataclass(frozen=True)
class Output:
    """A result: its size in bytes and its sha256."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class ReadWindow:
    """The part of the geometry that a setting can be left at `auto` for."""

    window: int


@dataclass(frozen=True)
class Genome:
    """The genome's digest."""

    sha256: str


@dataclass(frozen=True)
class Model:
    """The model's digest, and the geometry of a forward pass."""

    digest: str
    geometry: ReadWindow


@dataclass(frozen=True)
class Prediction:
    """Device -> number of shards."""

    devices: dict[str, int]


@dataclass(frozen=True)
class Manifest:
    """What `write_manifest` wrote, as far as a run is verified and repeated from it.

    Attributes
    ----------
    format : int
    run : str
    config : dict
        The resolved config.
    genome : Genome
    model : Model
    prediction : Prediction
    settings : Settings
        Settings that affect values, none of them `auto`.
    shards : dict
        By id.
    versions : dict
        Versions of packages.
    outputs : dict
        File inside the run's folder -> size and digest.
    """

    format: int
    run: str
    config: dict[str, Any]
    genome: Genome
    model: Model
    prediction: Prediction
    settings: Settings
    shards: dict[str, dict[str, Any]]
    versions: dict[str, str]
    outputs: dict[str, Output]

    def check(self) -> None:
        """Raise ValueError if an output is outside of the run's folder."""
        outside = next((file for file in self.outputs if not is_inside(file)), None)
        if outside is not None:
            raise ValueError(f"output {outside!r} is not inside of the run's folder")

    @property
    def results(self) -> dict[str, SealedResult]:
        """The outputs as sealed results, without a modification time."""
        return {
            file: SealedResult(file, output.bytes, output.sha256, -1)
            for file, output in self.outputs.items()
        }


def load_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises
    ------
    UserError
        If it is missing, damaged, of another version, or names a file outside of its folder.
    """
    return load_record(Manifest, path, what="manifest", version=FORMAT)
