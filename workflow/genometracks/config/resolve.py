"""The config: read from YAML, checked against the schema, and completed with every default."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

import yaml

from genometracks.common.json_text import parse_json
from genometracks.config.schema import Schema, find_problems, read_schema
from genometracks.config.values import Path as KeyPath
from genometracks.config.values import Problem, join_path, remove_values
from genometracks.errors import UserError
from grelu_models.files.yaml_text import parse_yaml

TEMPLATE = "__use_yte__"
"""Key that makes Snakemake read a config as a template."""
BYTES = 1 << 24
"""Size of the largest config file."""


class ConfigError(UserError):
    """Keys or values of a config are wrong.

    Attributes
    ----------
    sound : dict
        Origin -> the resolved config without what is wrong, if it has the required keys. Its files
        can be checked all the same.
    """

    def __init__(self, *messages: object, sound: dict[str, dict[str, Any]] | None = None) -> None:
        super().__init__(*messages)
        self.sound = sound or {}


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
        As `read_config`, for all such files.
    """
    wrong: list[str] = []
    for path in paths:
        try:
            config = read_config(path)
        except UserError as error:
            wrong += error.messages
            continue
        if isinstance(config, dict) and TEMPLATE in config:
            wrong.append(
                f"{path}: {TEMPLATE}: Snakemake executes Python in such a file when it reads it: "
                "remove the key, and write the values themselves"
            )
    if wrong:
        raise UserError(*wrong)


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
    ConfigError
        For all invalid keys and values. For an unknown key, the message suggests a valid one.

    Examples
    --------
    >>> given = {"genome": {"fasta": "hg38.fa"}, "model": {"weights": "model.ckpt"}}
    >>> config = resolve_config(given)
    >>> config["shards"], config["genome"]["contigs"]
    (4, ['*'])
    >>> resolve_config({**given, "shard": 8})
    Traceback (most recent call last):
    genometracks.config.resolve.ConfigError: config: unknown key 'shard': did you mean 'shards'?
    """
    problems = find_problems(given)
    problems += _find_contradictions(given, [problem.path for problem in problems])
    if problems:
        raise ConfigError(
            *(f"config: {problem.text}" for problem in problems), sound=_keep_sound(given, problems)
        )
    assert isinstance(given, dict), "the schema allows nothing else"
    config = copy.deepcopy(given)
    _fill_defaults(config, read_schema())
    return config


def _keep_sound(given: object, problems: Sequence[Problem]) -> dict[str, dict[str, Any]]:
    """The config without its wrong keys, as in `ConfigError`; lists are left out as a whole."""
    places = {tuple(takewhile(lambda step: isinstance(step, str), p.path)) for p in problems}
    rest = remove_values(given, places)
    if () in places or find_problems(rest):
        return {}
    _fill_defaults(rest, read_schema())
    return {"config": cast(dict[str, Any], rest)}


def _find_contradictions(given: object, wrong: Sequence[KeyPath]) -> Iterator[Problem]:
    """Yield values of valid type that no run can use; what is in `wrong` is not read."""
    for path, interval in _list_evaluation(given, "held_out", wrong):
        if interval["end"] <= interval["start"]:
            yield Problem(path, f"{join_path(path)}: end must be greater than start")
    for path, sites in _list_evaluation(given, "sites", wrong):
        if sites.get("shift") == 0:
            yield Problem(
                (*path, "shift"),
                f"{join_path(path)}.shift: must not be 0: the control would be the sites "
                "themselves",
            )


def _list_evaluation(
    given: object, key: str, wrong: Sequence[KeyPath]
) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Yield path and value of each item of a list of `evaluation` that has nothing wrong."""
    above = ("evaluation", key)
    if any(path == above[: len(path)] for path in wrong):
        return
    items = cast(dict[str, Any], given).get("evaluation", {}).get(key, [])
    for i, item in enumerate(items):
        if not any(path[:3] == (*above, i) for path in wrong):
            yield (*above, i), item


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
