"""Description of a model without loading it: from its files, its type and the caller.

Needs no torch, so that a workflow can list the tracks of a model before it runs anything.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from grelu_models.errors import ModelError
from grelu_models.families import Family, Options, Statement, check_options, find_family
from grelu_models.families.own_code import OwnCode
from grelu_models.families.python import OwnWeights, make_family
from grelu_models.files.artifact import Artifact
from grelu_models.files.beside import find_beside, find_origins, name_origin, read_beside
from grelu_models.files.hub import check_sha256, get_artifact, parse_artifact
from grelu_models.files.limits import show
from grelu_models.files.metadata import (
    UNSTATED,
    Architecture,
    Intervals,
    Metadata,
    Track,
    Unstated,
    find_architecture,
    name_tracks,
)
from grelu_models.files.paths import is_file
from grelu_models.files.track_table import pair_strands, read_track_table
from grelu_models.files.weights_file import WeightsFile, open_weights

__all__ = [
    "Description",
    "Outputs",
    "check_weights",
    "complete_tracks",
    "describe",
    "find_weights",
    "list_outputs",
    "list_tracks",
    "open_model",
    "pair_strands",
    "read_metadata",
    "read_track_table",
]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Description:
    """What is known about a model without loading it.

    Attributes
    ----------
    architecture : dict
        As given by the caller or the metadata.
    family : Family
        Of the architecture's `model_type`.
    options : dict
        The other keys of the architecture.
    statement : Statement
        What the family states about the model.
    window, bin_size : int or None
        Base pairs that a forward pass reads, and per bin in training; None if not known.
    activation : str or None
        A key of `card.ACTIVATIONS`, or "logits".
    tracks : list of dict or None
        One per channel, in order; None if they have no names.
    train : dict
        Settings of the training; empty if not known.
    intervals : dict
        Intervals of the training data, by split; empty if not known.
    beside : Path or None
        The file beside the weights that describes the model. Default is None: there is none.
    stated_in : dict
        Key of the metadata -> `beside`, for the keys that it states. Default is {}.
    """

    architecture: Architecture
    family: Family
    options: Options
    statement: Statement
    window: int | None
    bin_size: int | None
    activation: str | None
    tracks: list[Track] | None
    train: dict[str, Any]
    intervals: Intervals
    beside: Path | None = None
    stated_in: dict[str, Path] = field(default_factory=dict)


def find_weights(source: str | Path, *, sha256: str | None = None) -> Path:
    """Return the local path of a weights file, fetching `repo@revision:file` from the hub.

    Parameters
    ----------
    source : path or str
        A local file takes precedence over a file on the hub.
    sha256 : str, optional
        Hex digest that the file must have. Default is None: any file is accepted.

    Raises
    ------
    ModelError
        If the file does not exist, cannot be fetched, or has another digest.
    """
    path, artifact = Path(source), check_weights(source)
    if artifact:
        return get_artifact(artifact.repo_id, artifact.filename, artifact.revision, sha256)
    if sha256:
        check_sha256(path, sha256)
    return path


def check_weights(source: str | Path) -> Artifact | None:
    """Return the address of weights on the hub, None if they are a local file; fetch nothing.

    Raises
    ------
    ModelError
        If they are neither.
    """
    local = is_file(Path(source))
    artifact = None if local else parse_artifact(str(source))
    if not local and artifact is None:
        raise ModelError(
            f"{source}: no such weights file: check model.weights (a path, or repo@revision:file)"
        )
    return artifact


def read_metadata(file: WeightsFile) -> Metadata:
    """Read the metadata of a weights file; those of the file beside it take precedence.

    Raises
    ------
    ModelError
        If the metadata are contradictory, or the file beside the weights cannot be read or has an
        unknown key.
    """
    return file.metadata().override(read_beside(file.path))


def open_model(path: Path, code: OwnCode | None = None) -> WeightsFile:
    """Open a weights file; one that code of the user's own reads may have any format."""
    return open_weights(path) if code is None else OwnWeights(path)


def describe(
    file: WeightsFile,
    *,
    architecture: Architecture | None = None,
    options: Options | None = None,
    code: OwnCode | None = None,
) -> Description:
    """Describe a model: its metadata, completed by the properties of its type.

    Parameters
    ----------
    file : WeightsFile
        From `open_model`.
    architecture : dict, optional
        Takes precedence over that of the metadata. Default is None.
    options : dict, optional
        Options of the family, which take precedence over those of the architecture. Default is
        None: no others.
    code : OwnCode, optional
        A function of the user's own that returns the model; `architecture` then holds options of
        `families.python` only. Default is None: there is none.

    Raises
    ------
    ModelError
        If the architecture is not known.
    """
    beside = read_beside(file.path)
    stated, stated_in = file.metadata().override(beside), find_origins(file.path, beside)
    if architecture or code:
        stated_in.pop("architecture", None)
    if code:
        family = make_family(code)
        given = _check_own(family, architecture or {})
    else:
        if not architecture and not isinstance(stated.architecture, dict):
            file.shapes()  # a file that holds no weights is the first thing to say
        given = find_architecture(file.path, stated, architecture)
        with name_origin(stated_in):
            family = find_family(given.get("model_type"))
    given |= options or {}
    chosen = {key: value for key, value in given.items() if key != "model_type"}
    with name_origin(stated_in):
        check_options(family, chosen)
        statement = family.state(file, chosen)
    known = _imply(statement).override(stated)
    statement = replace(
        statement, licence=_or_none(known.licence), citation=_or_none(known.citation)
    )
    return Description(
        architecture=given,
        family=family,
        options=chosen,
        statement=statement,
        window=_or_none(known.window),
        bin_size=_or_none(known.bin_size),
        activation=_or_none(known.activation),
        tracks=_or_none(known.tracks),
        train=_or_none(known.train) or {},
        intervals=_or_none(known.intervals) or {},
        beside=find_beside(file.path),
        stated_in=stated_in,
    )


def _check_own(family: Family, architecture: Architecture) -> Architecture:
    """The architecture of a module of the user's own, which is its function."""
    kind = architecture.get("model_type", family.name)
    if kind != family.name:
        raise ModelError(
            f"model.architecture: model_type {show(kind)} and model.python are two models: remove "
            "one"
        )
    return {**architecture, "model_type": family.name}


def _imply(statement: Statement) -> Metadata:
    """Metadata that a family states, where the files state none."""
    return Metadata(
        window=statement.window or UNSTATED,
        activation=statement.activation,
        tracks=statement.tracks or UNSTATED,
        licence=statement.licence or UNSTATED,
        citation=statement.citation or UNSTATED,
    )


def _or_none(value: Value | None | Unstated) -> Value | None:
    return None if value is UNSTATED else value


@dataclass(frozen=True)
class Outputs:
    """The tracks of a model, and how they are to be read.

    Attributes
    ----------
    tracks : list of dict
        One per channel, in order.
    statement : Statement
        What the family states about the model.
    origin : Path
        The file that names the tracks: the weights, or the file beside them.
    """

    tracks: list[Track]
    statement: Statement
    origin: Path


def list_outputs(
    weights: Path,
    given: Architecture | None = None,
    tracks: list[Track] | None = None,
    *,
    options: Options | None = None,
    code: OwnCode | None = None,
) -> Outputs:
    """List the tracks of a model without loading its weights.

    Parameters
    ----------
    weights : Path
    given : dict, optional
        An architecture that takes precedence over that of the metadata. Default is None.
    tracks : list of dict, optional
        Take precedence over those of the metadata. Default is None.
    options, code : dict, OwnCode, optional
        As in `describe`; code is not run. Default is None.

    Raises
    ------
    ModelError
        If the architecture or the number of tracks is not known.
    """
    file = open_model(weights, code)
    described = describe(file, architecture=given, options=options, code=code)
    statement, named = described.statement, tracks or described.tracks
    count = statement.count
    if count is None:
        count = len(statement.tracks or named or ())
    if code and not count:
        raise ModelError(
            f"{weights}: {code.function} is not run to count the tracks: set model.tracks to a "
            "table with one row a track, or model.architecture to {n_tasks: NUMBER}"
        )
    if not isinstance(count, int) or count < 1:
        origin = described.stated_in.get("architecture", weights)
        raise ModelError(f"{origin}: the architecture needs n_tasks, the number of tracks")
    origin = weights if tracks else described.stated_in.get("tracks", weights)
    return Outputs(complete_tracks(origin, named, statement, count), statement, origin)


def list_tracks(
    weights: Path, given: Architecture | None = None, tracks: list[Track] | None = None
) -> list[Track]:
    """List the tracks of a model without loading its weights, as `list_outputs` does."""
    return list_outputs(weights, given, tracks).tracks


def complete_tracks(
    weights: Path, named: list[Track] | None, statement: Statement, count: int
) -> list[Track]:
    """Return one dict per channel; strand partners are the family's, unless others are named.

    Raises
    ------
    ModelError
        As `files.metadata.name_tracks`.
    """
    complete = name_tracks(weights, named, count)
    own = statement.tracks or []
    if len(own) != count or any("strand_pair" in track for track in complete):
        return complete
    pairs = [track.get("strand_pair") for track in own]
    return [
        track if pair is None else {**track, "strand_pair": pair}
        for track, pair in zip(complete, pairs, strict=True)
    ]
