"""The run's folder: where every file of a run stands, and what may be asked before it starts.

Imports nothing heavy: the workflow calls it each time it is parsed.
"""

import os
from pathlib import Path

from genometracks.errors import UserError
from genometracks.tracks import describe_tracks
from grelu_models.description import find_weights, list_tracks, read_track_table


def find_model_weights(config: dict) -> Path:
    """Local path of the weights; a file of the hub is fetched once."""
    return find_weights(config["model"]["weights"], sha256=config["model"]["sha256"])


def list_run_tracks(config: dict) -> list[str]:
    """File stems of the tracks that a resolved config will give."""
    model = config["model"]
    table = read_track_table(Path(model["tracks"])) if model["tracks"] else None
    tracks = list_tracks(find_model_weights(config), model["architecture"], table)
    return [track["track"] for track in describe_tracks(tracks, config["output"]["tracks"])]


def list_model_files(config: dict) -> list[str]:
    """The weights, the metadata beside them and the table of tracks, where there are."""
    weights = find_model_weights(config)
    metadata = [weights.with_suffix(suffix) for suffix in (".yaml", ".yml", ".json")]
    beside = [str(path) for path in metadata if path.is_file()][:1]
    return [str(weights), *beside, *filter(None, [config["model"]["tracks"]])]


def list_shards(config: dict) -> list[str]:
    """Ids of the shards."""
    count = config["shards"]
    return [f"{i:0{len(str(count - 1))}d}" for i in range(count)]


def check_inputs(config: dict) -> None:
    """Refuse a config whose files are missing or whose output folder cannot be written.

    Raises
    ------
    UserError
        Naming the key and the path.
    """
    named = {"genome.fasta": config["genome"]["fasta"]}
    optional = {f"genome.{key}": config["genome"][key] for key in ("regions", "blacklist")}
    optional["model.tracks"] = config["model"]["tracks"]
    named |= {key: path for key, path in optional.items() if path}
    for i, observed in enumerate(config["evaluation"]["observed"]):
        named[f"evaluation.observed[{i}].bigwig"] = observed["bigwig"]
    for key, path in named.items():
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file: check {key}")
    folder = Path(config["results"]) / config["run"]
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{existing}: cannot be written to: change 'results' or its permissions")
