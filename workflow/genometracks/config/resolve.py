"""The config: read from YAML, checked against the schema, and completed with every default."""

import copy
from pathlib import Path
from typing import Any

import yaml

from genometracks.config.schema import Schema, check_schema, read_schema
from genometracks.errors import UserError


def read_config(path: Path) -> Any:
    """Read a config from YAML, without checking it.

    Returns
    -------
    object
        Content of the file; a dict, if it is a config.

    Raises
    ------
    UserError
        If the file does not exist or is not YAML.

    Examples
    --------
    >>> path = Path("my.yaml")
    >>> _ = path.write_text("genome: {fasta: hg38.fa}")
    >>> read_config(path)
    {'genome': {'fasta': 'hg38.fa'}}
    """
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}: check the path") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not text in UTF-8: check that it is the config") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable characters"
        raise UserError(f"{path}{line}: not YAML: {problem}: correct this line") from error


def resolve_config(given: object) -> dict[str, Any]:
    """Check a config and fill in every default.

    Parameters
    ----------
    given : dict
        As read from YAML; not changed.

    Returns
    -------
    dict
        The config with every key of the schema.

    Raises
    ------
    UserError
        For the first invalid key or value. For an unknown key, the message suggests a valid one.

    Examples
    --------
    >>> given = {"genome": {"fasta": "hg38.fa"}, "model": {"weights": "model.ckpt"}}
    >>> config = resolve_config(given)
    >>> config["shards"], config["genome"]["contigs"]
    (4, ['*'])
    >>> resolve_config({**given, "shard": 8})
    Traceback (most recent call last):
    genometracks.errors.UserError: config: unknown key 'shard': did you mean 'shards'?
    """
    check_schema(given)
    assert isinstance(given, dict), "the schema allows nothing else"
    config = copy.deepcopy(given)
    _fill_defaults(config, read_schema())
    for i, interval in enumerate(config["evaluation"]["held_out"]):
        if interval["end"] <= interval["start"]:
            raise UserError(f"config: evaluation.held_out[{i}]: end must be greater than start")
    return config


def _fill_defaults(value: object, schema: Schema) -> None:
    """Add the defaults of all missing keys, in place, at any depth."""
    if isinstance(value, dict):
        for key, child in schema.get("properties", {}).items():
            if key not in value and "default" in child:
                value[key] = copy.deepcopy(child["default"])
            if key in value:
                _fill_defaults(value[key], child)
    elif isinstance(value, list):
        for item in value:
            _fill_defaults(item, schema.get("items", {}))
