"""The model stage: load a model once, measure it, and write down what the later stages need."""

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from genometracks.common.atomic import write_atomically
from genometracks.config.resolve import list_folds
from genometracks.errors import UserError
from grelu_models.files.description import find_weights, read_track_table

FORMAT = 2


def describe_model(settings: dict, out: Path, *, weights: list[str] | None = None) -> dict:
    """Load a model, or the folds of one, and write model.json.

    Parameters
    ----------
    settings : dict
        The config's `model` section.
    out : Path
    weights : list of str, optional
        Where the weights were fetched to; else they are where the settings say.

    Returns
    -------
    dict
        `folds`: for each `source` as configured, `weights` (the local file), `digest` and
        `architecture`. Of all: `digest`, `activation`, `geometry`, `receptive_field` and `flanks`
        as measured, `tracks`, `strand_partners`, `train`, the numbers of `intervals` and `notes`.

    Raises
    ------
    ModelError
        If the model cannot be used.
    UserError
        If folds disagree, naming in what.
    """
    from grelu_models.checkpoint import load  # brings torch, which other stages do without

    asked = list_folds(settings)
    table = read_track_table(Path(settings["tracks"])) if settings["tracks"] else None
    cards, folds = [], []
    for i, fold in enumerate(asked):
        path = find_weights(weights[i] if weights else fold["weights"], sha256=fold["sha256"])
        _, card = load(
            path,
            architecture=settings["architecture"],
            window=None if settings["window"] == "auto" else settings["window"],
            activation=settings["activation"],
            tracks=table,
        )
        for note in card.notes:
            print(f"grelu-tracks: note: {path}: {note}", file=sys.stderr)
        cards.append(card)
        found = {"source": fold["weights"], "weights": str(path), "digest": card.digest}
        same = next((one for one in folds if one["digest"] == card.digest), None)
        if same:
            raise UserError(
                f"model.weights: {same['source']} and {fold['weights']} are the same model: "
                "give each fold once"
            )
        folds.append({**found, "architecture": card.architecture})
        _check_agreement(folds[0]["source"], cards[0], fold["weights"], card)
    card = cards[0]
    described = {
        "format": FORMAT,
        "folds": folds,
        "digest": _join_digests([fold["digest"] for fold in folds]),
        "activation": card.activation,
        "geometry": asdict(card.geometry),
        "receptive_field": max(card.receptive_field for card in cards),
        "flanks": _join_flanks([card.flanks for card in cards]),
        "tracks": card.tracks,
        "strand_partners": card.strand_partners,
        "train": card.train,
        "intervals": {name: len(table["chrom"]) for name, table in card.intervals.items()},
        "notes": [note for card in cards for note in card.notes],
    }
    with write_atomically(out) as file:
        file.write(json.dumps(described, indent=1).encode() + b"\n")
    return described


def _check_agreement(first: str, one, second: str, other) -> None:
    """Refuse two folds (cards) whose outputs cannot be averaged, with all that differs."""
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
    if one.strand_partners != other.strand_partners:
        differences.append("the tracks' strand partners")
    if differences:
        raise UserError(
            f"model.weights: {first} and {second} are no folds of one model: they differ in "
            f"{'; '.join(differences)}: average only models of the same bins and tracks"
        )


def _join_digests(digests: list[str]) -> str:
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _join_flanks(flanks: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Base pairs left and right of a bin that can move the value of any fold."""
    if None in flanks:
        return None
    return max(left for left, _ in flanks), max(right for _, right in flanks)
