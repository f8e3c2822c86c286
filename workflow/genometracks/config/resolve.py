"""The config: checked against the schema, defaults filled in, errors that name key and mend."""

import copy
import difflib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from genometracks.errors import UserError

OF_OUTPUT = ("tracks", "aggregate", "pairs", "sd", "scale", "untransform", "untransform_when")
"""Keys of `output` that say what is computed."""
OF_AVERAGE = ("reverse_complement", "strands", "shifts", "average")
"""Keys of `prediction` that say what is averaged."""

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"


@cache
def read_schema() -> dict:
    """The JSON schema of the config."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def read_config(path: Path) -> dict:
    """Read a config as it is written.

    Raises
    ------
    UserError
        If there is no such file, or if it is not YAML.
    """
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}: check the path") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8: is this the config?") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable characters"
        raise UserError(f"{path}{line}: not YAML: {problem}: mend this line") from error


def resolve_config(given: dict) -> dict:
    """Check a config and fill in every default.

    Parameters
    ----------
    given : dict
        As read from YAML; left as it is.

    Returns
    -------
    dict
        With every key of the schema.

    Raises
    ------
    UserError
        For the first bad key or value: unknown keys with the nearest valid one.
    """
    config = copy.deepcopy(given)
    schema = read_schema()
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda e: list(e.path))
    if errors:
        raise UserError(f"config: {_explain(errors[0])}")
    _fill_defaults(config, schema)
    for i, interval in enumerate(config["evaluation"]["held_out"]):
        if interval["end"] <= interval["start"]:
            raise UserError(f"config: evaluation.held_out[{i}]: end must be greater than start")
    return config


def list_folds(model: dict) -> list[dict]:
    """The `weights` and `sha256` of each fold of a resolved config's `model` section."""
    weights, digests = (
        value if isinstance(value, list) else [value]
        for value in (model["weights"], model["sha256"])
    )
    if digests == [None]:
        digests = digests * len(weights)
    if len(digests) != len(weights):
        raise UserError(
            f"model.sha256: {len(digests)} digests for {len(weights)} model.weights: give one each"
        )
    return [
        {"weights": one, "sha256": digest} for one, digest in zip(weights, digests, strict=True)
    ]


def choose_forward_settings(config: dict) -> dict:
    """Of a resolved config, what concerns a forward pass, `auto` or not: what a probe is asked."""
    keys = ("batch_size", "precision", "compile", "stride", "trim", "blend", "edges")
    settings = {
        **{key: config["prediction"][key] for key in (*keys, *OF_AVERAGE)},
        **{key: config["output"][key] for key in OF_OUTPUT},
        "window": config["model"]["window"],
    }
    if config["shards"] == "auto":  # then it is timed, too
        settings["shards"] = "auto"
    return settings


def choose_plan_settings(config: dict) -> dict:
    """Of a resolved config, what the plan follows from; no more, or it would be made anew."""
    forward = choose_forward_settings(config)
    del forward["window"]  # the model's geometry says it, or the probe's
    return {
        **forward,
        "dtype": config["output"]["dtype"],
        **{key: config["genome"][key] for key in ("regions", "blacklist")},
        "shards": config["shards"],
    }


def list_keys(schema: dict | None = None, prefix: str = "") -> Iterator[tuple[str, dict]]:
    """Yield (dotted key, its schema) for every key; `[]` stands for the items of a list."""
    for key, child in (schema or read_schema()).get("properties", {}).items():
        yield f"{prefix}{key}", child
        yield from list_keys(child, f"{prefix}{key}.")
        if child.get("items", {}).get("properties"):
            yield from list_keys(child["items"], f"{prefix}{key}[].")


def _fill_defaults(value: object, schema: dict) -> None:
    if isinstance(value, dict):
        for key, child in schema.get("properties", {}).items():
            if key not in value and "default" in child:
                value[key] = copy.deepcopy(child["default"])
            if key in value:
                _fill_defaults(value[key], child)
    elif isinstance(value, list):
        for item in value:
            _fill_defaults(item, schema.get("items", {}))


def _explain(error: ValidationError) -> str:
    where = _dotted(error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(key for key in error.instance if key not in known)
        key = f"{where}.{unknown}" if where else str(unknown)
        return f"unknown key {key!r}: {_nearest(str(unknown), known, where)}"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        key = f"{where}.{missing}" if where else missing
        return f"{key} is missing: {error.schema['properties'][missing]['description']}"
    if error.validator == "pattern":
        if "integer" in error.schema["type"]:
            return f"{where}: {error.instance!r} is neither a whole number nor 'auto'"
        return f"{where}: {error.instance!r} does not match {error.validator_value}"
    return f"{where or 'the file'}: {error.message}"


def _nearest(unknown: str, known: list[str], where: str) -> str:
    near = difflib.get_close_matches(unknown, known, n=1)
    if near:
        return f"did you mean {(where + '.' if where else '') + near[0]!r}?"
    # The right key in the wrong section is as common as a typo.
    elsewhere = [key for key, _ in list_keys() if key.split(".")[-1] == unknown]
    if elsewhere:
        return f"did you mean {elsewhere[0]!r}?"
    return f"valid keys here are {', '.join(known)}"


def _dotted(path) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".")
