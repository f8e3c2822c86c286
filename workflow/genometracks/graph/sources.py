"""Files that a run reads: the user's, and files that are fetched first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from genometracks.common.records import format_record
from genometracks.config.folders import GenomeFolder, ModelFolder
from genometracks.config.sections import Config
from genometracks.config.settings import Fold, list_folds
from genometracks.inputs.address import is_address
from genometracks.inputs.model import find_own_code
from grelu_models.files.beside import find_beside
from grelu_models.files.hub import parse_artifact
from grelu_models.files.paths import is_file


@dataclass(frozen=True)
class FetchJob:
    """A job that fetches a fold's weights: its rule, its output, and its settings as JSON."""

    rule: str
    file: str
    settings: str


@dataclass(frozen=True)
class Sources:
    """Files that a run reads.

    Attributes
    ----------
    fasta : str
        The genome's local file, given or downloaded.
    folds : tuple of Fold
    fetched : tuple of FetchJob
        One job for each fold that is on the hub.
    model_files : tuple of str
        Metadata beside the weights, the table of tracks, and the source of `model.python`, if they
        exist.
    beds : tuple of str
        BED files that the plan reads.
    observed : tuple of str
        bigWigs of the observed tracks, and files of sites.
    shown : tuple of str
        Further files that page and hub show.
    """

    fasta: str
    folds: tuple[Fold, ...]
    fetched: tuple[FetchJob, ...]
    model_files: tuple[str, ...]
    beds: tuple[str, ...]
    observed: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def weights(self) -> list[str]:
        """Local files of the weights, given or fetched."""
        return [fold.file for fold in self.folds]


def find_sources(config: Config, genome: GenomeFolder, model: ModelFolder) -> Sources:
    """Find the files that a run reads.

    Parameters
    ----------
    config : Config
    genome, model : GenomeFolder, ModelFolder
        Folders in which they are prepared.
    """
    folds = tuple(_place_folds(config, model))
    genome_config = config.genome
    return Sources(
        fasta=_place_fasta(genome_config.fasta, genome),
        folds=folds,
        fetched=tuple(_list_fetched(folds)),
        model_files=tuple(_list_model_files(config, folds)),
        beds=tuple(bed for bed in (genome_config.regions, genome_config.blacklist) if bed),
        observed=(
            *(entry.bigwig for entry in config.evaluation.observed),
            *config.evaluation.site_files,
        ),
        shown=tuple(file for file in (genome_config.annotation, genome_config.aliases) if file),
    )


def _place_fasta(given: str, genome: GenomeFolder) -> str:
    if not is_address(given):
        return given
    return str(genome.source / _name_fetched(urlsplit(given).path, "genome"))


def _name_fetched(path: str, default: str) -> str:
    """Name of a fetched file: as at its source, without what Snakemake takes for a wildcard."""
    name = re.sub("[{}]", "_", Path(path).name)
    return default if name in ("", "..") else name


def _place_folds(config: Config, model: ModelFolder) -> Iterator[Fold]:
    folds = list_folds(config.model)
    for i, fold in enumerate(folds):
        artifact = None if is_file(Path(fold.weights)) else parse_artifact(fold.weights)
        if artifact:
            name = _name_fetched(artifact.filename, "weights")
            # Folds may have the same name.
            file = model.weights / str(i) / name if len(folds) > 1 else model.weights / name
            fold = replace(fold, file=str(file))
        yield fold


def _list_fetched(folds: tuple[Fold, ...]) -> Iterator[FetchJob]:
    for i, fold in enumerate(folds):
        if fold.file != fold.weights:
            rule = f"weights_{i}" if len(folds) > 1 else "weights"
            yield FetchJob(rule, fold.file, format_record(fold))


def _list_model_files(config: Config, folds: tuple[Fold, ...]) -> Iterator[str]:
    for fold in folds:
        beside = find_beside(Path(fold.file))
        if beside:
            yield str(beside)
    if config.model.tracks:
        yield config.model.tracks
    code = find_own_code(config.model)
    if code:
        yield code.file
