"""The schema of the config: its keys, and errors that name a key and a correction."""

import difflib
from collections.abc import Collection, Iterator
from functools import cache
from itertools import islice
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from genometracks.config.values import (
    MOST,
    Problem,
    find_odd_values,
    join_path,
    remove_values,
    shorten,
)
from genometracks.places import find_schema

Validator = validators.extend(  # type: ignore[no-untyped-call]  # not typed in the stubs
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)
"""JSON Schema counts 4.0 as an integer; the records of the config do not."""

ALIKE = 0.8
"""Likeness of two keys from which on one is taken for a typo of the other."""

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


def find_problems(config: object) -> list[Problem]:
    """Find all keys and values of a config that violate the schema.

    An unknown key in place of a required one is one problem, and so are several of one value.
    Patterns of the schema end in `$`, which in Python also matches before a line end at the end of
    a text: `find_odd_values` has found that.

    Raises
    ------
    UserError
        As `find_odd_values`.
    """
    odd = find_odd_values(config)
    found = {problem.path: problem for problem in odd}
    plain = remove_values(config, found) if odd else config
    errors = list(islice(Validator(read_schema()).iter_errors(plain), MOST))
    errors.sort(key=lambda error: list(error.path))
    unknown = [each for error in errors for each in _list_unknown(error)][:MOST]
    meant = {key for _, key in unknown if key}
    for each in (
        *(problem for problem, _ in unknown),
        *(each for error in errors for each in _list_missing(error, meant)),
        *map(_explain, filter(_has_value, errors)),
    ):
        found.setdefault(each.path, each)
    return list(found.values())


def _has_value(error: ValidationError) -> bool:
    return error.validator not in ("additionalProperties", "required")


def _list_unknown(error: ValidationError) -> Iterator[tuple[Problem, str | None]]:
    """Yield each unknown key, and the key that is suggested in its place."""
    if error.validator != "additionalProperties":
        return
    path = tuple(error.absolute_path)
    known = list(cast(Schema, error.schema)["properties"])
    for key in cast(dict[str, Any], error.instance):
        if key not in known:
            meant, advice = _suggest(key, known, join_path(path))
            text = f"unknown key {join_path((*path, key))!r}: {advice}"
            yield Problem((*path, key), text), meant


def _list_missing(error: ValidationError, meant: Collection[str]) -> Iterator[Problem]:
    """Yield each missing key, except those in whose place an unknown one stands."""
    if error.validator != "required":
        return
    path, schema = tuple(error.absolute_path), cast(Schema, error.schema)
    for missing in schema["required"]:
        key = join_path((*path, missing))
        if missing not in cast(dict[str, Any], error.instance) and not any(
            each == key or each.startswith(f"{key}.") for each in meant
        ):
            text = f"{key} is missing: {schema['properties'][missing]['description']}"
            yield Problem((*path, missing), text)


def _explain(error: ValidationError) -> Problem:
    path, found = tuple(error.absolute_path), cast(object, error.instance)
    where = join_path(path)
    schema = cast(Schema, error.schema)  # `true` and `false` are schemas, too; ours has none
    if error.validator == "pattern":
        if "integer" in schema["type"]:
            return Problem(path, f"{where}: {shorten(found)} is neither a whole number nor 'auto'")
        return Problem(path, f"{where}: {shorten(found)} does not match {schema['pattern']}")
    message = error.message.replace(repr(found), shorten(found))
    return Problem(path, f"{where or 'the file'}: {message}")


def _suggest(unknown: str, known: list[str], where: str) -> tuple[str | None, str]:
    """A valid key in place of an unknown one, if there is one, and the advice as text."""
    near = difflib.get_close_matches(unknown, known, n=1)
    meant = [(where + "." if where else "") + key for key in near]
    # The right key in the wrong section is as common as a typo, and surer than a vague likeness.
    elsewhere = [key for key, _ in list_keys() if key.split(".")[-1] == unknown]
    alike = difflib.get_close_matches(unknown, known, n=1, cutoff=ALIKE)
    meant = [*meant, *elsewhere] if alike else [*elsewhere, *meant]
    if meant:
        return meant[0], f"did you mean {meant[0]!r}?"
    return None, f"valid keys here are {', '.join(known)}"
