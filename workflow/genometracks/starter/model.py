"""What weights say about themselves, and what a short measurement adds."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genometracks.config.settings import RecipeSettings
from genometracks.errors import UserError
from genometracks.inputs.model import Metadata
from genometracks.tracks.recipe import make_recipe
from grelu_models.description import (
    Description,
    Outputs,
    describe,
    find_weights,
    list_outputs,
    open_model,
    pair_strands,
    read_metadata,
)
from grelu_models.errors import ModelError
from grelu_models.families import Statement
from grelu_models.families.recognise import recognise_family
from grelu_models.files.hub import parse_artifact
from grelu_models.files.paths import is_file
from grelu_models.files.weights_file import WeightsFile
from grelu_models.geometry import Geometry

LOG = logging.getLogger(__name__)

LARGEST = 1 << 29
"""Bytes of the largest weights that are loaded to measure the model."""

WORK = 10**11
"""Largest product of bytes of the weights and base pairs of a window that is measured: seconds."""

NOTICEABLE = 10**9
"""The same product from which on it is said that the model is measured."""


@dataclass(frozen=True)
class Model:
    """A model, as found.

    Attributes
    ----------
    sources : tuple of str
        The weights, as given; several are folds.
    local : tuple of Path
        Their files.
    kind : str or None
        `model_type`; None if it is not known.
    recognised : bool
        Whether `kind` was found by the names of the tensors, so that the config must state it.
    beside : str or None
        Name of the file beside the weights that describes the model.
    window, bin_size : int or None
        As stated.
    activation : str or None
        As stated.
    geometry : Geometry or None
        As measured; None if it was not.
    problem : str or None
        Why the run could not measure it either, and what to do.
    tracks : list of dict
        Empty if they are not known.
    refusal : str or None
        Why strands cannot be averaged, as the run would say it.
    statement : Statement
        What the family states.
    notes : tuple of str
        Warnings about the output.
    """

    sources: tuple[str, ...]
    local: tuple[Path, ...]
    kind: str | None
    recognised: bool = False
    beside: str | None = None
    window: int | None = None
    bin_size: int | None = None
    activation: str | None = None
    geometry: Geometry | None = None
    problem: str | None = None
    tracks: tuple[Metadata, ...] = ()
    refusal: str | None = None
    statement: Statement = Statement()
    notes: tuple[str, ...] = ()

    @property
    def one_value(self) -> bool:
        """Whether the model is known to give one value per window, so that it needs a stride."""
        return self.geometry is not None and self.geometry.bin is None


def inspect_model(sources: tuple[str, ...]) -> Model:
    """Find out about weights what a config can use.

    Small models are loaded and measured; several weights are compared as folds of one model.

    Raises
    ------
    ModelError, UserError
        If they are missing, cannot be read, or are described wrongly.
    """
    local = tuple(_find(source) for source in sources)
    files = [open_model(path) for path in local]
    stated = _state_kind(files[0])
    kind = stated
    if stated in (None, "Keras"):  # a family of ours takes precedence over Keras
        kind = recognise_family(files[0]) or stated
    if kind is None:
        return Model(sources, local, kind=None)
    architecture = {"model_type": kind} if kind != stated else None
    outputs = [list_outputs(path, architecture) for path in local]
    tracks = outputs[0].tracks
    _check_folds(sources, [each.tracks for each in outputs])
    first = describe(files[0], architecture=architecture)
    geometry, problem, notes = _measure(local[0], first, architecture)
    return Model(
        sources,
        local,
        kind=kind,
        recognised=architecture is not None,
        beside=first.beside.name if first.beside else None,
        window=first.window,
        bin_size=first.bin_size,
        activation=first.activation,
        geometry=geometry,
        problem=problem,
        tracks=tuple(tracks),
        refusal=_find_refusal(outputs[0]),
        statement=first.statement,
        notes=notes,
    )


def _find(source: str) -> Path:
    """The local file of weights; those on the hub are fetched into its cache."""
    if Path(source).suffix in (".yaml", ".yml") and (
        is_file(Path(source)) or parse_artifact(source) is None
    ):
        raise UserError(f"{source}: not weights: write the name of the config before --weights")
    return find_weights(source)


def _state_kind(file: WeightsFile) -> str | None:
    """The `model_type` that the files of a model state."""
    architecture = read_metadata(file).architecture
    return architecture.get("model_type") if isinstance(architecture, dict) else None


def _check_folds(sources: tuple[str, ...], tracks: list[list[Metadata]]) -> None:
    for source, other in zip(sources, tracks, strict=True):
        if [track["name"] for track in other] != [track["name"] for track in tracks[0]]:
            raise UserError(
                f"--weights: {sources[0]} and {source} have other tracks: give folds of one model"
            )


def _find_refusal(outputs: Outputs) -> str | None:
    """Why a run with `reverse_complement` would be refused; None if it would not."""
    try:
        make_recipe(
            outputs.tracks,
            RecipeSettings(reverse_complement=True),
            partners=pair_strands(outputs.origin, outputs.tracks),
            activation=None,
            folds=1,
            refusal=outputs.statement.refusal,
        )
    except (UserError, ModelError) as error:
        text = str(error).removeprefix("prediction.reverse_complement: ")
        return text.removesuffix(": set it to false")
    return None


def _measure(
    path: Path, described: Description, architecture: dict[str, Any] | None
) -> tuple[Geometry | None, str | None, tuple[str, ...]]:
    """Load and measure a small model: its geometry, or what is wrong with it; and notes."""
    notes, size = described.statement.notes, path.stat().st_size
    if described.window is None:
        return None, "model.window: the weights do not state it: set it", notes
    if size > LARGEST or size * described.window > WORK:
        return None, None, notes
    if size * described.window > NOTICEABLE:
        LOG.info(f"{path}: the model is loaded and measured ...")
    from grelu_models.checkpoint import load  # imports torch

    try:
        _, card = load(path, architecture=architecture)
    except ModelError as error:
        return None, str(error), notes
    return card.geometry, None, tuple(card.notes)
