"""All that is known of a model without loading it: from its files, its kind and its caller.

Needs no torch, so that a workflow knows its tracks before anything runs.
"""

import csv
from pathlib import Path

from grelu_models.errors import ModelError
from grelu_models.files.adapters import ADAPTERS
from grelu_models.files.hub import check_sha256, get_artifact, parse_artifact
from grelu_models.files.metadata import find_architecture, name_tracks, read_metadata
from grelu_models.files.published import PUBLISHED

__all__ = ["describe", "find_weights", "list_tracks", "pair_strands", "read_track_table"]


def find_weights(source: str | Path, *, sha256: str | None = None) -> Path:
    """Return the local path of a weights file, fetching `repo@revision:file` from the hub.

    Parameters
    ----------
    source : path or str
        A file here goes before a file of the hub.
    sha256 : str, optional
        Hex digest that the file must have.

    Raises
    ------
    ModelError
        If there is no such file, or it has another digest.
    """
    path = Path(source)
    artifact = None if path.is_file() else parse_artifact(str(source))
    if artifact:
        return get_artifact(artifact.repo_id, artifact.filename, artifact.revision, sha256)
    if not path.is_file():
        raise ModelError(
            f"{source}: no such weights file: check model.weights (a path, or repo@revision:file)"
        )
    if sha256:
        check_sha256(path, sha256)
    return path


def describe(weights: Path, *, architecture: dict | None = None) -> dict:
    """Describe a model: its metadata, and what follows from its kind where they say nothing.

    Parameters
    ----------
    weights : Path
    architecture : dict, optional
        Goes before the metadata's.

    Returns
    -------
    dict
        `metadata.METADATA_KEYS`, and `built`: the architecture as `checkpoint.build_model` takes
        it, which is another one where an adapter translates.

    Raises
    ------
    ModelError
        If the architecture is not known.
    """
    metadata = read_metadata(weights)
    given = find_architecture(weights, metadata, architecture)
    kind = given.get("model_type")
    if kind in ADAPTERS:
        adapter = ADAPTERS[kind]
        known = {"window": adapter.window, "activation": adapter.activation}
        built = adapter.describe({key: given[key] for key in given if key != "model_type"})
    elif kind in PUBLISHED and given.get("n_tasks") is None:  # the published head
        known = {"window": PUBLISHED[kind].window, "activation": PUBLISHED[kind].activation}
        built = {**given, "n_tasks": None}
    else:
        known, built = {}, given
    return known | metadata | {"architecture": given, "built": built}


def list_tracks(
    weights: Path, given: dict | None = None, tracks: list[dict] | None = None
) -> list[dict]:
    """List a model's tracks without loading its weights.

    Parameters
    ----------
    weights : Path
    given : dict, optional
        An architecture that goes before the metadata's.
    tracks : list of dict, optional
        Go before the metadata's.

    Raises
    ------
    ModelError
        If the architecture or the number of tracks is not known.
    """
    metadata = describe(weights, architecture=given)
    architecture = metadata["built"]
    count = architecture.get("n_tasks")
    if count is None and "n_tasks" in architecture and architecture["model_type"] in PUBLISHED:
        count = PUBLISHED[architecture["model_type"]].tracks
    if count is None:
        count = len(tracks or metadata.get("tracks") or ())
    if not isinstance(count, int) or count < 1:
        raise ModelError(f"{weights}: the architecture needs n_tasks, the number of tracks")
    return name_tracks(weights, {"tracks": tracks} if tracks else metadata, count)


def read_track_table(path: Path) -> list[dict]:
    """Read names and descriptions of tracks from a tab-separated table, one row a track.

    Parameters
    ----------
    path : Path
        With a header; the column `name`, or else `identifier` (as in the tables of targets that
        are published with Borzoi and Enformer), names the tracks; every other column is kept.

    Raises
    ------
    ModelError
        If the table cannot be read or names no tracks.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise ModelError(f"{path}: no readable table of tracks: {error}") from error
    name = next((column for column in ("name", "identifier") if column in header), None)
    if name is None:
        raise ModelError(f"{path}: needs a column 'name' or 'identifier', has {', '.join(header)}")
    for i, row in enumerate(rows):
        if len(row) != len(header) or not row[header.index(name)]:
            raise ModelError(f"{path}: line {i + 2} has no {name}, or not {len(header)} columns")
    columns = [column or "index" for column in header]
    tracks = [dict(zip(columns, row, strict=True)) for row in rows]
    return [{"name": track[name], **track} for track in tracks]


def pair_strands(weights: Path, tracks: list[dict]) -> list[int] | None:
    """Partner of every track on the other strand, from the column `strand_pair`.

    Returns
    -------
    list of int or None
        Channels; a track without a partner is its own. None where no track has the column.

    Raises
    ------
    ModelError
        Naming the first track whose partner does not exist, or has another partner.
    """
    if not any(str(track.get("strand_pair", "")).strip() for track in tracks):
        return None
    partners = []
    for i, track in enumerate(tracks):
        # Where some have none, tables that went through pandas hold floats.
        text = str(track.get("strand_pair", "")).strip().removesuffix(".0")
        if text and not text.isdecimal():
            raise ModelError(f"{weights}: track {track['name']}: strand_pair {text!r} is no number")
        partners.append(int(text) if text else i)
    for i, partner in enumerate(partners):
        if partner >= len(partners) or partners[partner] != i:
            raise ModelError(
                f"{weights}: track {tracks[i]['name']} (channel {i}): its strand_pair {partner} is "
                "not a channel that has it as partner: the table needs all tracks of the model, in "
                "order"
            )
    return partners
