"""The model stage: load a model once, measure it, and write model.json for the later stages."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genometracks.common.records import load_record, optional, save_record
from genometracks.config.sections import ModelConfig
from genometracks.config.settings import list_folds
from genometracks.errors import UserError
from genometracks.inputs.check_record import (
    check_geometry,
    check_indices,
    check_length,
    check_path,
    check_range,
)
from grelu_models.families.own_code import OwnCode, find_code
from grelu_models.geometry import Geometry
from grelu_models.secrets import mask

if TYPE_CHECKING:
    from grelu_models.card import ModelCard

FORMAT = 2

Metadata = dict[str, Any]
"""A row of a model's table of tracks: `name` and any further columns."""

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoldFile:
    """One fold: its weights as configured, the local file, its digest and architecture.

    `code` is the user's own function that returns the model, if there is one.
    """

    source: str
    weights: str
    digest: str
    architecture: dict[str, Any]
    code: OwnCode | None = optional()


@dataclass(frozen=True)
class ModelFile:
    """Content of model.json: the cards of a model's folds (`grelu_models.card.ModelCard`), joined.

    Attributes
    ----------
    folds : tuple of FoldFile
        At least one; all have the same geometry, activation and tracks.
    digest : str
        sha256 of everything that determines the model's values.
    activation : str or None
        Function applied to the logits; None for none.
    geometry : Geometry
        Measured by a forward pass.
    receptive_field : int
        Base pairs that can influence one output value; the largest of the folds'.
    flanks : (int, int) or None
        Base pairs left and right of an output bin that can influence its value; None if the whole
        window can.
    tracks : list of dict
        One per channel, in order: `name` and any further columns.
    strand_partners : list of int or None
        For each track, the channel of the other strand; None if the model states no partners.
    train : dict
        Settings of the training, if known.
    intervals : dict
        Number of training, validation and test intervals, if known.
    notes : list of str
        Warnings about the output, of all folds.
    refusal : str, optional
        Why averaging over strands is refused. Default is None: it is possible.
    scale : str, optional
        Scale of the output in words. Default is None: not known.
    licence : str, optional
        Licence of the weights. Default is None: not known.
    citation : str, optional
        Paper to cite for the model. Default is None: not known.
    """

    folds: tuple[FoldFile, ...]
    digest: str
    activation: str | None
    geometry: Geometry
    receptive_field: int
    flanks: tuple[int, int] | None
    tracks: list[Metadata]
    strand_partners: list[int] | None
    train: dict[str, Any]
    intervals: dict[str, int]
    notes: list[str]
    refusal: str | None = optional()
    scale: str | None = optional()
    licence: str | None = optional()
    citation: str | None = optional()

    def save(self, path: Path) -> None:
        """Write model.json, whole or not at all."""
        save_record(path, self, indent=1, format=FORMAT)

    @classmethod
    def load(cls, path: Path) -> "ModelFile":
        """Read model.json; UserError if it is missing, damaged or of another version."""
        return load_record(cls, path, what="description of a model", version=FORMAT)

    def check(self) -> None:
        """Raise ValueError for values that no model has; called when the file is loaded."""
        check_folds(self.folds)
        check_geometry(self.geometry)
        channels = self.geometry.tracks
        check_length("tracks", self.tracks, channels)
        for i, track in enumerate(self.tracks):
            if not isinstance(track.get("name"), str):
                raise ValueError(f"track {i} has no name")
        check_length("strand_partners", self.strand_partners, channels)
        check_indices("strand_partner", self.strand_partners or (), channels)
        check_range("receptive_field", self.receptive_field, 0)
        for flank in self.flanks or ():
            check_range("flank", flank, 0)


def find_own_code(settings: ModelConfig) -> OwnCode | None:
    """Find the function of `model.python`, without running it; None if the key is not set.

    Raises
    ------
    ModelError
        If there is no such module.
    UserError
        If only `model.python_path` is set.
    """
    if settings.python:
        return find_code(settings.python, settings.python_path)
    if settings.python_path:
        raise UserError("model.python_path: it is for model.python, which is not set: set both")
    return None


def check_folds(folds: Sequence[FoldFile]) -> None:
    """Raise ValueError if there are no folds, or one has an impossible path."""
    if not folds:
        raise ValueError("there are no folds")
    for fold in folds:
        check_path("weights", fold.weights)
        if fold.code:
            check_path("file", fold.code.file)


def describe_model(settings: ModelConfig, *, weights: Sequence[str] | None = None) -> ModelFile:
    """Load a model, or the folds of one, and measure it.

    Parameters
    ----------
    settings : ModelConfig
    weights : sequence of str, optional
        Local files of the folds' weights. Default is None: those of the settings.

    Raises
    ------
    ModelError
        If the model cannot be used.
    UserError
        If a fold is given twice, or the folds cannot be averaged. The message names all
        differences.
    """
    # Here, because later stages import this module for its records, and start faster without.
    from grelu_models.description import find_weights

    sources = [fold.weights for fold in list_folds(settings)]
    paths = [
        find_weights(weights[i] if weights else fold.weights, sha256=fold.sha256)
        for i, fold in enumerate(list_folds(settings))
    ]
    code = find_own_code(settings)
    cards = _load_cards(settings, sources, paths, code=code)
    folds = tuple(
        FoldFile(mask(source), str(path), card.digest, card.architecture, code)
        for source, path, card in zip(sources, paths, cards, strict=True)
    )
    first = cards[0]
    return ModelFile(
        folds=folds,
        digest=_join_digests([fold.digest for fold in folds]),
        activation=first.activation,
        geometry=first.geometry,
        receptive_field=max(card.receptive_field for card in cards),
        flanks=_join_flanks([card.flanks for card in cards]),
        tracks=first.tracks,
        strand_partners=first.strand_partners,
        train=first.train,
        intervals={name: len(table["chrom"]) for name, table in first.intervals.items()},
        notes=list(dict.fromkeys(note for card in cards for note in card.notes)),
        refusal=first.statement.refusal,
        scale=first.statement.scale,
        licence=first.statement.licence,
        citation=first.statement.citation,
    )


def _load_cards(
    settings: ModelConfig, sources: list[str], paths: list[Path], *, code: OwnCode | None
) -> list["ModelCard"]:
    """Load and measure every fold; each is compared with those before it."""
    from grelu_models.checkpoint import load  # imports torch, which most stages do not need
    from grelu_models.description import read_track_table

    table = read_track_table(Path(settings.tracks)) if settings.tracks else None
    cards: list[ModelCard] = []
    for source, path in zip(sources, paths, strict=True):
        _, card = load(
            path,
            architecture=settings.architecture,
            options=settings.options,
            code=code,
            window=None if settings.window == "auto" else settings.window,
            bin=settings.bin,
            activation=settings.activation,
            tracks=table,
        )
        if card.beside:
            LOG.info("%s: described by %s beside the weights", path, card.beside.name)
        for note in card.notes:
            LOG.warning("%s: %s", path, note)
        for other, earlier in zip(sources, cards, strict=False):
            if earlier.digest == card.digest:
                raise UserError(
                    f"model.weights: {other} and {source} are the same model: give each fold once"
                )
        cards.append(card)
        _check_agreement(sources[0], cards[0], source, card)
    return cards


def _check_agreement(first: str, one: "ModelCard", second: str, other: "ModelCard") -> None:
    """Refuse two folds whose outputs cannot be averaged; the error names every difference."""
    pairs = zip(asdict(one.geometry).items(), asdict(other.geometry).values(), strict=True)
    differences = [f"{key} {mine} and {theirs}" for (key, mine), theirs in pairs if mine != theirs]
    if one.activation != other.activation:
        both = f"activation {one.activation} and {other.activation}"
        differences.append(f"{both} (model.activation sets one for all)")
    names = [[track["name"] for track in card.tracks] for card in (one, other)]
    if one.geometry.tracks == other.geometry.tracks:
        apart = [i for i, (mine, theirs) in enumerate(zip(*names, strict=True)) if mine != theirs]
        differences += [f"track {i} {names[0][i]!r} and {names[1][i]!r}" for i in apart[:3]]
        differences += [f"{len(apart) - 3} more tracks"] if len(apart) > 3 else []
    if one.statement.scale != other.statement.scale:
        differences.append(f"scale {one.statement.scale} and {other.statement.scale}")
    if one.strand_partners != other.strand_partners:
        differences.append("the tracks' strand partners")
    if differences:
        raise UserError(
            f"model.weights: {first} and {second} are not folds of one model: they differ in "
            f"{'; '.join(differences)}: average only models with the same bins and tracks"
        )


def _join_digests(digests: list[str]) -> str:
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _join_flanks(flanks: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Base pairs left and right of a bin that can influence its value in any fold."""
    known = [each for each in flanks if each is not None]
    if len(known) < len(flanks):
        return None
    return max(left for left, _ in known), max(right for _, right in known)
