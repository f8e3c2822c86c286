"""The config: read from YAML, checked against the schema, and completed with every default."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from genometracks.common.json_text import parse_json
from genometracks.config.schema import Schema, check_schema, read_schema
from genometracks.errors import UserError
from grelu_models.files.yaml_text import parse_yaml

TEMPLATE = "__use_yte__"
"""Key that makes Snakemake read a config as a template."""
BYTES = 1 << 24
"""Size of the largest config file."""


def read_config(path: Path) -> Any:
    """Read a config from YAML (or JSON, `*.json`), without checking its keys and values.

    Returns
    -------
    object
        Content of the file; a dict, if it is a config.

    Raises
    ------
    UserError
        If the file does not exist, is not YAML, repeats a key or exceeds a limit (see
        `grelu_models.files.yaml_text`).

    Examples
    --------
    >>> path = Path("my.yaml")
    >>> _ = path.write_text("genome: {fasta: hg38.fa}")
    >>> read_config(path)
    {'genome': {'fasta': 'hg38.fa'}}
    """
    try:
        with open(path, "rb") as file:
            data = file.read(BYTES + 1)
        if len(data) > BYTES:
            raise UserError(f"{path}: more than {BYTES:,} bytes: check that it is the config")
        return parse_json(data) if Path(path).suffix == ".json" else parse_yaml(data.decode())
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}: check the path") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not text in UTF-8: check that it is the config") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable characters"
        raise UserError(f"{path}{line}: not YAML: {problem}: correct this line") from error
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}: correct it") from error


def check_config_files(paths: Iterable[Path]) -> None:
    """Refuse what a parser of YAML without limits accepts, such as a key that is given twice.

    Parameters
    ----------
    paths : iterable of Path
        Files that Snakemake has read; it merges them into one config.

    Raises
    ------
    UserError
        As `read_config`, for the first such file.
    """
    for path in paths:
        config = read_config(path)
        if isinstance(config, dict) and TEMPLATE in config:
            raise UserError(
                f"{path}: {TEMPLATE}: Snakemake executes Python in such a file when it reads it: "
                "remove the key, and write the values themselves"
            )


def resolve_config(given: object) -> dict[str, Any]:
    """Check a config and fill in every default.

    Parameters
    ----------
    given : dict
        As read from YAML; not changed.

    Returns
    -------
    dict
        The config with every key of the schema, except those that it marks `omit` and that have
        their defaults.

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
    for i, sites in enumerate(config["evaluation"].get("sites", [])):
        if sites["shift"] == 0:
            raise UserError(
                f"config: evaluation.sites[{i}].shift: must not be 0: the control would be the "
                "sites themselves"
            )
    return config


def _fill_defaults(value: object, schema: Schema) -> None:
    """Add the defaults of all missing keys, in place, at any depth.

    A key that is marked `omit` is left out at its default, so that the configs of runs without it,
    and with them their manifests and the parameters of their jobs, are the same as before the key
    existed.
    """
    if isinstance(value, dict):
        for key, child in schema.get("properties", {}).items():
            if child.get("omit"):
                if key in value and value[key] == child["default"]:
                    del value[key]
            elif key not in value and "default" in child:
                value[key] = copy.deepcopy(child["default"])
            if key in value:
                _fill_defaults(value[key], child)
    elif isinstance(value, list):
        for item in value:
            _fill_defaults(item, schema.get("items", {}))
