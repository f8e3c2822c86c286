"""The schema of the config: its keys, and errors that name a key and a correction."""

import difflib
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from genometracks.config.values import check_values, join_path, shorten
from genometracks.errors import UserError
from genometracks.places import find_schema

Validator = validators.extend(  # type: ignore[no-untyped-call]  # not typed in the stubs
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)
"""JSON Schema counts 4.0 as an integer; the records of the config do not."""

Schema = dict[str, Any]
"""A JSON schema, or a part of one."""


@cache
def read_schema() -> Schema:
    """The JSON schema of the config."""
    schema: Schema = yaml.safe_load(find_schema().read_text(encoding="utf-8"))
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
    """Raise UserError for the first key or value of a config that violates the schema.

    Its patterns end in `$`, which in Python also matches before a line end at the end of a text:
    `check_values` has refused that.
    """
    check_values(config)
    errors = Validator(read_schema()).iter_errors(config)
    first = min(errors, key=lambda error: list(error.path), default=None)
    if first is not None:
        raise UserError(f"config: {_explain(first)}")


def _explain(error: ValidationError) -> str:
    where = join_path(tuple(error.absolute_path))
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
            return f"{where}: {shorten(found)} is neither a whole number nor 'auto'"
        return f"{where}: {shorten(found)} does not match {schema['pattern']}"
    return f"{where or 'the file'}: {error.message.replace(repr(found), shorten(found))}"


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
