"""Check of a config's files, before anything runs."""

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from genometracks.config.folders import RunFolder
from genometracks.config.sections import Config
from genometracks.config.settings import list_folds
from genometracks.errors import UserError, list_messages
from genometracks.inputs.address import check_address, is_address
from genometracks.inputs.model import find_own_code
from grelu_models.description import check_weights
from grelu_models.errors import ModelError
from grelu_models.files.hub import parse_artifact

WILDCARD = re.compile(r"\{\s*[.\w]+\s*(,.*)?\}")
"""What Snakemake replaces in a path. It knows no way to write the same as plain text."""


def list_wrong_files(config: Config) -> list[str]:
    """One line for each file of a config that is missing, and each folder that cannot be written.

    The lines name the keys and the paths. The first fold's weights are checked when the tracks are
    listed.
    """
    wrong: list[str] = []
    for check in _list_checks(config):
        try:
            check()
        except (UserError, ModelError) as error:
            wrong += list_messages(error)
    return wrong


def list_missing_weights(config: Config) -> list[str]:
    """One line if the weights of the first fold are neither a file nor on the hub."""
    try:
        check_weights(list_folds(config.model)[0].weights)
    except ModelError as error:
        return [str(error)]
    except UserError:  # of the folds' digests: `list_wrong_files` has it
        pass
    return []


def _list_checks(config: Config) -> Iterator[Callable[[], None]]:
    """Yield functions, each of which raises the error of one file or folder."""
    if is_address(config.genome.fasta):
        yield partial(check_address, config.genome.fasta)
    yield partial(_check_results, config.results)
    for key, path in _list_files(config):
        yield partial(_check_file, key, path)
    yield partial(_check_weights_path, config)
    yield partial(_check_code, config)
    yield partial(_check_folders, RunFolder(Path(config.results) / config.run))


def _check_results(results: str) -> None:
    if re.search("[{}]", results):
        raise UserError(
            f"{results}: Snakemake writes to no folder with braces in its name, which are "
            "its wildcards: change results"
        )
    _check_path("results", results)


def _check_file(key: str, path: str) -> None:
    _check_path(key, path)
    if not _ask(Path.is_file, path, key):
        raise UserError(f"{path}: no such file: check {key}")


def _check_weights_path(config: Config) -> None:
    _check_path("model.weights", list_folds(config.model)[0].weights)


def _check_code(config: Config) -> None:
    code = find_own_code(config.model)
    if code:
        _check_path("model.python_path", code.file)


def _check_folders(run: RunFolder) -> None:
    for folder in (run.path, run.logs, run.predict_logs):  # Snakemake deletes logs: a traceback
        existing = next(
            path
            for path in (folder, *Path(os.path.realpath(folder)).parents)
            if _ask(Path.exists, path, "results")
        )
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise UserError(
                f"{existing}: cannot be written to: change 'results' or its permissions"
            )


def _check_path(key: str, path: str) -> None:
    """Refuse a path that Snakemake would read as a pattern, or a command as an option."""
    found = WILDCARD.search(path)
    if found:
        raise UserError(
            f"{path}: {found[0]} is a wildcard in Snakemake's paths: rename it without braces, and "
            f"change {key}"
        )
    if path.startswith("-"):
        raise UserError(f"{path}: commands take it for an option: write an absolute path in {key}")


def _ask(question: Callable[[Path], bool], path: str | Path, key: str) -> bool:
    try:
        return question(Path(path))
    except OSError as error:  # a name that is too long, links in a circle, no permission
        raise UserError(f"{path}: {error.strerror}: check {key}") from error


def _list_files(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the key and the path of every local file that the config names."""
    genome = config.genome
    if not is_address(genome.fasta):
        yield "genome.fasta", genome.fasta
    optional = {
        "genome.regions": genome.regions,
        "genome.blacklist": genome.blacklist,
        "genome.annotation": genome.annotation,
        "genome.aliases": genome.aliases,
        "model.tracks": config.model.tracks,
    }
    yield from ((key, path) for key, path in optional.items() if path)
    for i, fold in enumerate(list_folds(config.model)):
        if i and parse_artifact(fold.weights) is None:
            yield f"model.weights[{i}]", fold.weights
    for i, observed in enumerate(config.evaluation.observed):
        yield f"evaluation.observed[{i}].bigwig", observed.bigwig
    for i, sites in enumerate(config.evaluation.sites):
        yield f"evaluation.sites[{i}].file", sites.file
        if sites.within:
            yield f"evaluation.sites[{i}].within.file", sites.within.file
