"""A first config: written from what a FASTA and weights say about themselves."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genometracks.common.atomic import write_atomically
from genometracks.config.resolve import resolve_config
from genometracks.config.sections import Config
from genometracks.errors import UserError, list_messages
from genometracks.inputs.address import check_address, is_address
from genometracks.inputs.check import list_missing_weights, list_wrong_files
from genometracks.starter.config_text import Found, name_run, write_config
from genometracks.starter.facts import (
    describe_genome,
    describe_model,
    describe_patterns,
    judge_strands,
    list_columns,
)
from genometracks.starter.genome import Genome, inspect_genome
from genometracks.starter.model import Model, inspect_model
from grelu_models.errors import ModelError, make_line
from grelu_models.files.yaml_text import parse_yaml
from grelu_models.secrets import mask

BESIDE = (".yaml", ".yml", ".json")
"""Endings of a file beside weights that describes them."""


@dataclass(frozen=True)
class Given:
    """Files that a config is to be written for."""

    fasta: str | None = None
    weights: tuple[str, ...] = ()
    annotation: str | None = None


def init(path: Path, given: Given) -> str:
    """Write a config, and return what was found out as text.

    Parameters
    ----------
    path : Path
        The config; must not exist.
    given : Given

    Raises
    ------
    UserError
        If the config exists, a file is missing, or a name is one that no config can contain. All
        that is wrong is in one error, and nothing is written then.
    ModelError
        If the weights cannot be read.
    """
    _check_target(path, given)
    found = _look(path, given)
    text = write_config(found)
    config = Config.of(resolve_config(parse_yaml(text)))
    _check_target(path, given)  # again: a large FASTA takes a while
    with write_atomically(path) as file:
        file.write(text.encode())
    return "\n".join(_report(path, found, config))


def _check_target(path: Path, given: Given) -> None:
    if path.exists() or path.is_symlink():
        raise UserError(f"{path}: exists already: name another config, or move this one away")
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(f"{path}: a config is YAML: name it {path.stem or 'my_run'}.yaml")
    for source in given.weights:
        if path.absolute() in [Path(source).with_suffix(end).absolute() for end in BESIDE]:
            raise UserError(
                f"{path}: this name beside {Path(source).name} is that of a description of the "
                "weights: name the config otherwise"
            )


def _look(path: Path, given: Given) -> Found:
    """Look at all files; an error names everything that is wrong with them."""
    wrong: list[str] = []
    genome: Genome | None = None
    model: Model | None = None
    try:
        if given.fasta and is_address(given.fasta):
            check_address(given.fasta)
        elif given.fasta:
            genome = inspect_genome(given.fasta)
    except UserError as error:
        wrong += error.messages
    try:
        if given.weights:
            model = inspect_model(given.weights)
    except (UserError, ModelError) as error:
        wrong += list_messages(error)
    if given.annotation and not Path(given.annotation).is_file():
        wrong.append(f"{given.annotation}: no such file: check --annotation")
    if wrong:
        raise UserError(*wrong)
    address = given.fasta if genome is None else None
    return Found(name_run(path.stem), genome, address, model, given.annotation)


def _report(path: Path, found: Found, config: Config) -> Iterator[str]:
    """Yield what was found out, what is still to be filled in, and the next commands."""
    yield f"{path} is written; it has what was found out:"
    yield from _align("genome", _list_genome(found))
    yield from _align("model", list(describe_model(found.model)) if found.model else ["not given"])
    if found.model and found.model.tracks:
        strands = f"prediction.reverse_complement is {judge_strands(found.model)}"
        columns = "; ".join(list_columns(found.model))
        yield from _align("strands", [strands])
        yield from _align("columns", [columns] if columns else [])
    if found.model and found.model.one_value:
        yield from _align(
            "stride", [f"{config.prediction.stride} bp, because the model gives one value a window"]
        )
    yield from _align("fill in", _list_open(found, config))
    name = shlex.quote(str(path))
    preflight, run = f"genometracks preflight {name}", f"genometracks run {name}"
    yield from _align("next", [f"{preflight}   what the run will take", run])


def _list_genome(found: Found) -> list[str]:
    if found.genome:
        described = [*describe_genome(found.genome), *describe_patterns(found.genome)]
        return [f"{found.genome.path}: {described[0]}", *described[1:]]
    if found.address:
        return [f"{mask(found.address)}: the run downloads it"]
    return ["not given"]


def _list_open(found: Found, config: Config) -> list[str]:
    """What the run would refuse."""
    wrong = [*list_wrong_files(config), *list_missing_weights(config)]
    if found.model and found.model.kind is None:
        wrong.append("model.architecture: the model_type and its options")
    elif found.model and found.model.problem:
        wrong.append(found.model.problem)
    return wrong


def _align(title: str, lines: Sequence[str]) -> Iterator[str]:
    for i, line in enumerate(lines):
        yield f"  {title if not i else '':<8}  {make_line(line)}"
