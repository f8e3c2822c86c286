"""The model stage: load a model once, measure it, and write down what the later stages need."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from genometracks.files import write_atomically
from grelu_models.description import find_weights, read_track_table

FORMAT = 1


def describe_model(settings: dict, out: Path, *, weights: Path | None = None) -> dict:
    """Load a model and write model.json.

    Parameters
    ----------
    settings : dict
        The config's `model` section.
    out : Path
    weights : Path, optional
        Where the weights were fetched to; else they are where the settings say.

    Returns
    -------
    dict
        `source` as configured, `weights` (the local file), `digest`, `architecture`, `activation`,
        `geometry`, `receptive_field` and `flanks` as measured, `tracks`, `strand_partners`,
        `train`, the numbers of `intervals` and `notes`.

    Raises
    ------
    ModelError
        If the model cannot be used.
    """
    from grelu_models.checkpoint import load  # brings torch, which other stages do without

    weights = find_weights(weights or settings["weights"], sha256=settings["sha256"])
    _, card = load(
        weights,
        architecture=settings["architecture"],
        window=None if settings["window"] == "auto" else settings["window"],
        activation=settings["activation"],
        tracks=read_track_table(Path(settings["tracks"])) if settings["tracks"] else None,
    )
    for note in card.notes:
        print(f"grelu-tracks: note: {weights}: {note}", file=sys.stderr)
    described = {
        "format": FORMAT,
        "source": settings["weights"],
        "weights": str(weights),
        "digest": card.digest,
        "architecture": card.architecture,
        "activation": card.activation,
        "geometry": asdict(card.geometry),
        "receptive_field": card.receptive_field,
        "flanks": card.flanks,
        "tracks": card.tracks,
        "strand_partners": card.strand_partners,
        "train": card.train,
        "intervals": {name: len(table["chrom"]) for name, table in card.intervals.items()},
        "notes": card.notes,
    }
    with write_atomically(out) as file:
        file.write(json.dumps(described, indent=1).encode() + b"\n")
    return described
