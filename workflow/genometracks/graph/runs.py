"""The runs of a config: their files and tracks, known before anything runs.

Imports nothing heavy, because every job parses the workflow again.
"""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from genometracks.common.records import format_record, parse_record
from genometracks.config.folders import SHARED, GenomeFolder, ModelFolder, RunFolder
from genometracks.config.resolve import ConfigError
from genometracks.config.sections import Config
from genometracks.config.settings import (
    RecipeSettings,
    choose_forward_settings,
    choose_recipe_settings,
    list_folds,
)
from genometracks.config.sheet import Entry, choose_run, join_origins, resolve_runs
from genometracks.errors import UserError, list_messages
from genometracks.graph.results import Results, list_results
from genometracks.graph.settings import JobSettings, write_settings
from genometracks.graph.sources import Sources, find_sources
from genometracks.inputs.check import list_missing_weights, list_wrong_files
from genometracks.inputs.model import find_own_code
from genometracks.tracks.recipe import make_recipe
from grelu_models.description import (
    find_weights,
    list_outputs,
    pair_strands,
    read_track_table,
)
from grelu_models.errors import ModelError
from grelu_models.families.own_code import OwnCode


@dataclass(frozen=True)
class Run:
    """A run, as the workflow uses it.

    Attributes
    ----------
    config : Config
    folder : RunFolder
    genome : GenomeFolder
        The run's own, or one that several runs share.
    model : ModelFolder
        The run's own, or one that several runs share.
    sources : Sources
        Files that the run reads.
    settings : JobSettings
        JSON for the command lines of the run's jobs.
    tracks : tuple of str
        File stems of the run's tracks.
    results : Results
        Files that the run writes.
    """

    config: Config
    folder: RunFolder
    genome: GenomeFolder
    model: ModelFolder
    sources: Sources
    settings: JobSettings
    tracks: tuple[str, ...]
    results: Results

    @property
    def possible_shards(self) -> list[str]:
        """Ids of the shards that the plan may have; empty if their number is left at `auto`."""
        count = self.config.shards
        return [] if count == "auto" else name_shards(count)

    @property
    def probe(self) -> list[str]:
        """Path of probe.json; empty if no setting is left at `auto`."""
        return [str(self.folder.probe)] if choose_forward_settings(self.config).open else []

    @property
    def probe_option(self) -> str:
        """The command-line option that names probe.json; may be empty."""
        return " ".join(f"--probe {shlex.quote(path)}" for path in self.probe)

    @property
    def device(self) -> str:
        """The device, quoted for a shell.

        Quoted here, not in the rules: Snakemake would repeat finished jobs whose text changes.
        """
        return shlex.quote(self.config.prediction.device)

    @property
    def observed_digests(self) -> list[str]:
        """Path of observed.json; empty if there are neither observed tracks nor sites."""
        return [str(self.folder.observed)] if self.sources.observed else []

    @property
    def gpus(self) -> int:
        """Number of GPUs of a prediction job."""
        return 0 if self.config.prediction.device == "cpu" else 1


def read_runs(given: object) -> dict[str, Run]:
    """Resolve a config, or every row of its sheet, and find the files of its runs: name -> run.

    Parameters
    ----------
    given : dict
        As read from YAML.

    Raises
    ------
    UserError
        For all wrong keys and values, with all missing files of the keys that are right; else as
        `place_runs`.
    """
    return place_runs(_resolve(given), sheet=is_sheet(given))


def read_run(given: object, name: str | None = None) -> Run:
    """Resolve a config and find the files of one of its runs.

    Parameters
    ----------
    given : dict
        As read from YAML.
    name : str, optional
        Name of the run, if the config names a sheet of several. Default is None.

    Raises
    ------
    UserError
        As `read_runs`; of the files, only those of this run are checked.
    """
    entry = choose_run(_resolve(given), name)
    (run,) = place_runs([entry], sheet=is_sheet(given)).values()
    return run


def is_sheet(given: object) -> bool:
    """Whether a config names a sheet of runs."""
    return isinstance(given, dict) and bool(given.get("runs"))


def _resolve(given: object) -> list[Entry]:
    """Resolve a config; an error names the missing files of the sound keys, too."""
    try:
        return resolve_runs(given)
    except ConfigError as error:
        entries = [Entry(config, origin) for origin, config in error.sound.items()]
        files = _list_wrong_files(entries, sheet=is_sheet(given))
        raise UserError(*error.messages, *files) from error


def place_runs(entries: Sequence[Entry], *, sheet: bool) -> dict[str, Run]:
    """Check configs and find the files of their runs: name -> run.

    Parameters
    ----------
    entries : sequence of Entry
        Resolved configs.
    sheet : bool
        Whether they are from a sheet, whose runs share genomes and models.

    Raises
    ------
    UserError
        For all missing files; or else, for all settings that do not fit the tracks. For a sheet,
        the message names the lines.
    """
    wrong = _list_wrong_files(entries, sheet=sheet)
    if wrong:
        raise UserError(*wrong)
    runs, found = {}, []
    for entry in entries:
        config = Config.of(entry.config)
        try:
            runs[config.run] = place_run(config, shares=sheet)
        except (UserError, ModelError) as error:
            found += [(entry.origin, text) for text in list_messages(error)]
    if found:
        raise UserError(*_join(found, sheet=sheet))
    return runs


def _list_wrong_files(entries: Sequence[Entry], *, sheet: bool) -> list[str]:
    """Describe the missing files of all runs."""
    found: list[tuple[str, str]] = []
    for entry in entries:
        config = Config.of(entry.config)
        texts = [*list_wrong_files(config), *list_missing_weights(config)]
        found += [(entry.origin, text) for text in texts]
    return _join(found, sheet=sheet)


def _join(found: Sequence[tuple[str, str]], *, sheet: bool) -> list[str]:
    return join_origins(found) if sheet else [text for _, text in found]


def place_run(config: Config, *, shares: bool = False) -> Run:
    """Find the files and tracks of a run.

    Weights on the hub are fetched into its local cache, if needed, to list the model's tracks.

    Parameters
    ----------
    config : Config
    shares : bool
        Whether genome and model are in folders that several runs share. Default is False.

    Raises
    ------
    UserError, ModelError
        If the tracks are not known, or a setting does not fit them.
    """
    above = Path(os.path.normpath(config.results))
    folder = RunFolder(above / config.run)
    home = _find_shared(config, above) if shares else (folder.path, folder.path)
    genome, model = GenomeFolder(home[0]), ModelFolder(home[1])
    sources = find_sources(config, genome, model)
    tracks = _list_stems(config, sources)
    return Run(
        config=config,
        folder=folder,
        genome=genome,
        model=model,
        sources=sources,
        settings=write_settings(config, fasta=sources.fasta),
        tracks=tracks,
        results=list_results(config, folder, tracks),
    )


def _find_shared(config: Config, above: Path) -> tuple[Path, Path]:
    """Folders of a genome and a model: the same for all runs with equal settings."""
    genome, weights = config.genome, list_folds(config.model)[0].weights
    scanned = {key: config.plain["genome"][key] for key in ("fasta", "sha256", "name", "contigs")}
    return (
        _name_shared(above, genome.name or Path(genome.fasta).name, scanned),
        _name_shared(above, re.split("[/:]", weights)[-1], config.plain["model"]),
    )


def _name_shared(above: Path, name: str, settings: dict[str, object]) -> Path:
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    stem = re.sub("[^A-Za-z0-9_-]+", "_", name.split(".")[0]).strip("_") or "unnamed"
    return above / SHARED / f"{stem}-{digest[:8]}"


def name_shards(count: int) -> list[str]:
    """Ids of `count` shards, all of the same width.

    Examples
    --------
    >>> name_shards(11)[:2]
    ['00', '01']
    """
    return [f"{i:0{len(str(count - 1))}d}" for i in range(count)]


def _list_stems(config: Config, sources: Sources) -> tuple[str, ...]:
    """File stems of the tracks, computed once for all runs with the same inputs."""
    first = sources.folds[0]
    return _recipe_stems(
        first.file if Path(first.file).is_file() else first.weights,
        json.dumps([config.model.architecture, config.model.options]),
        find_own_code(config.model),
        config.model.tracks,
        len(sources.folds),
        format_record(choose_recipe_settings(config)),
    )


@cache
def _recipe_stems(
    source: str,
    given: str,
    code: OwnCode | None,
    table: str | None,
    folds: int,
    settings: str,
) -> tuple[str, ...]:
    """File stems of the tracks; settings that do not fit the tracks are refused."""
    weights = find_weights(source)
    named = read_track_table(Path(table)) if table else None
    architecture, options = json.loads(given)
    outputs = list_outputs(weights, architecture, named, options=options, code=code)
    written, _ = make_recipe(
        outputs.tracks,
        parse_record(RecipeSettings, settings),
        partners=pair_strands(outputs.origin, outputs.tracks),
        activation=None,
        folds=folds,
        refusal=outputs.statement.refusal,
    )
    return tuple(track.track for track in written)
