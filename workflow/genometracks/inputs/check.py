"""A config's files: whether they are there, before anything runs."""

import os
import re
from pathlib import Path

from genometracks.config.resolve import list_folds
from genometracks.errors import UserError
from grelu_models.files.hub import parse_artifact

ADDRESS = re.compile(r"(https?|ftp)://", re.IGNORECASE)


def is_address(given: str) -> bool:
    """Whether a file is to be fetched."""
    return bool(ADDRESS.match(given))


def check_inputs(config: dict) -> None:
    """Refuse a config whose files are missing or whose output folder cannot be written.

    The first fold's weights are looked at where the tracks are listed.

    Raises
    ------
    UserError
        Naming the key and the path.
    """
    named = {"genome.fasta": config["genome"]["fasta"]}
    if is_address(named["genome.fasta"]):
        del named["genome.fasta"]
    optional = {f"genome.{key}": config["genome"][key] for key in ("regions", "blacklist")}
    optional["model.tracks"] = config["model"]["tracks"]
    named |= {key: path for key, path in optional.items() if path}
    for i, fold in enumerate(list_folds(config["model"])):
        if i and parse_artifact(fold["weights"]) is None:
            named[f"model.weights[{i}]"] = fold["weights"]
    for i, observed in enumerate(config["evaluation"]["observed"]):
        named[f"evaluation.observed[{i}].bigwig"] = observed["bigwig"]
    for key, path in named.items():
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file: check {key}")
    folder = Path(config["results"]) / config["run"]
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{existing}: cannot be written to: change 'results' or its permissions")
