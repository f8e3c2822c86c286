"""The schema of the config: its keys, and errors that name a key and a correction."""

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from genometracks.errors import UserError

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"

Schema = dict[str, Any]
"""A JSON schema, or a part of one."""


@cache
def read_schema() -> Schema:
    """The JSON schema of the config."""
    schema: Schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    return schema


def list_keys(schema: Schema | None = None, prefix: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield (dotted key, its schema) for every key; `[]` stands for the items of a list.

    Examples
    --------
    >>> keys = dict(list_keys())
    >>> keys["shards"]["default"], "output.pairs[].name" in keys
    (4, True)
    """
    for key, child in (schema or read_schema()).get("properties", {}).items():
        yield f"{prefix}{key}", child
        yield from list_keys(child, f"{prefix}{key}.")
        if child.get("items", {}).get("properties"):
            yield from list_keys(child["items"], f"{prefix}{key}[].")


def check_schema(config: object) -> None:
    """Raise UserError for the first key or value of a config that violates the schema."""
    errors = Draft202012Validator(read_schema()).iter_errors(config)
    first = min(errors, key=lambda error: list(error.path), default=None)
    if first is not None:
        raise UserError(f"config: {_explain(first)}")


def _explain(error: ValidationError) -> str:
    where = _join_path(error.absolute_path)
    schema = cast(Schema, error.schema)  # `true` and `false` are schemas, too; ours has none
    found: Any = error.instance
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        unknown = next(key for key in found if key not in known)
        key = f"{where}.{unknown}" if where else str(unknown)
        return f"unknown key {key!r}: {_suggest(str(unknown), known, where)}"
    if error.validator == "required":
        missing = next(key for key in schema["required"] if key not in found)
        key = f"{where}.{missing}" if where else missing
        return f"{key} is missing: {schema['properties'][missing]['description']}"
    if error.validator == "pattern":
        if "integer" in schema["type"]:
            return f"{where}: {found!r} is neither a whole number nor 'auto'"
        return f"{where}: {found!r} does not match {schema['pattern']}"
    return f"{where or 'the file'}: {error.message}"


def _suggest(unknown: str, known: list[str], where: str) -> str:
    """Suggest a valid key in place of an unknown one."""
    near = difflib.get_close_matches(unknown, known, n=1)
    if near:
        return f"did you mean {(where + '.' if where else '') + near[0]!r}?"
    # The right key in the wrong section is as common as a typo.
    elsewhere = [key for key, _ in list_keys() if key.split(".")[-1] == unknown]
    if elsewhere:
        return f"did you mean {elsewhere[0]!r}?"
    return f"valid keys here are {', '.join(known)}"


def _join_path(path: Iterable[str | int]) -> str:
    """Join the steps into nested sections and lists to a dotted key."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".")
