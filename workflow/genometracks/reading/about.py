"""What manifest.json states about the tracks of a run, as far as readers of them need it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genometracks.common.records import load_record, optional
from genometracks.config.folders import RunFolder
from genometracks.errors import UserError

FORMAT = 1
"""Version of manifest.json."""


@dataclass(frozen=True)
class Contig:
    """A contig: its name, and its length in bp."""

    name: str
    length: int


@dataclass(frozen=True)
class Genome:
    """A genome: its name, and its contigs, sorted by name."""

    name: str
    contigs: tuple[Contig, ...]


@dataclass(frozen=True)
class Grid:
    """Bin k of a contig covers [k * bin, min(k * bin + span, contig length)), in bp."""

    bin: int
    span: int


@dataclass(frozen=True)
class Model:
    """Digest of a model, and licence and citation of its weights, where known."""

    digest: str
    licence: str | None = optional()
    citation: str | None = optional()


@dataclass(frozen=True)
class About:
    """A finished run.

    Attributes
    ----------
    run : str
        Its name.
    config : dict
        The resolved config, in which secrets are masked.
    genome : Genome
    geometry : Grid
    model : Model
    """

    run: str
    config: dict[str, Any]
    genome: Genome
    geometry: Grid
    model: Model

    def check(self) -> None:
        """Raise ValueError for values that no run has; called when the file is loaded."""
        if not 1 <= self.geometry.span <= self.geometry.bin:
            raise ValueError(f"bins of {self.geometry.bin} bp that cover {self.geometry.span} bp")
        if any(contig.length < 0 for contig in self.genome.contigs):
            raise ValueError("a contig of negative length")

    @property
    def lengths(self) -> dict[str, int]:
        """Contig -> length in bp."""
        return {contig.name: contig.length for contig in self.genome.contigs}


def load_about(folder: RunFolder) -> About:
    """Read what the manifest of a finished run states.

    Raises
    ------
    UserError
        If the folder is not that of a finished run, or its manifest is damaged.
    """
    if folder.manifest.is_file():
        return load_record(About, folder.manifest, what="manifest", version=FORMAT)
    if folder.work.is_dir():
        raise UserError(
            f"{folder.path}: the run is not finished, it has no manifest.json: see "
            f"'genometracks status {folder.path}', and run again to continue"
        )
    raise UserError(f"{folder.path}: {_describe(folder.path)}: give results/RUN")


def _describe(path: Path) -> str:
    if not path.is_dir():
        return "no such folder"
    inside = next(iter(sorted(path.glob("*/manifest.json"))), None)
    if inside:
        return f"a folder of runs, such as {inside.parent}, not of one run"
    return "not the folder of a run, it has no manifest.json"
