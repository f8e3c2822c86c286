"""The model stage: load a model once, measure it, and write down what the later stages need."""

import json
from dataclasses import asdict
from pathlib import Path

from genometracks.files import write_atomically

FORMAT = 1


def describe_model(settings: dict, out: Path) -> dict:
    """Load a model and write model.json.

    Parameters
    ----------
    settings : dict
        The config's `model` section.
    out : Path

    Returns
    -------
    dict
        `weights`, `digest`, `architecture`, `activation`, `geometry` as measured, `tracks`,
        `train`.

    Raises
    ------
    ModelError
        If the model cannot be used.
    """
    from grelu_models.checkpoint import load  # brings torch, which other stages do without

    _, card = load(
        settings["weights"],
        architecture=settings["architecture"],
        window=settings["window"],
        activation=settings["activation"],
    )
    described = {
        "format": FORMAT,
        "weights": card.source,
        "digest": card.digest,
        "architecture": card.architecture,
        "activation": card.activation,
        "geometry": asdict(card.geometry),
        "tracks": card.tracks,
        "train": card.train,
    }
    with write_atomically(out) as file:
        file.write(json.dumps(described, indent=1).encode() + b"\n")
    return described
