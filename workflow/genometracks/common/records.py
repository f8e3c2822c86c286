"""Records: frozen dataclasses that are read from JSON, checked field by field, and written as JSON.

Everything that passes between stages is a record. A damaged file, or one that another version of
this program wrote, raises a UserError here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from genometracks.common.atomic import write_atomically
from genometracks.common.json_text import parse_json
from genometracks.errors import UserError

Record = TypeVar("Record")

OMIT = "omit"
PLAIN = frozenset([str, int, float, bool, type(None)])


def optional(default: Any = None) -> Any:
    """Declare a field of a record that is left out of its JSON if it equals its default.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Shard:
    ...     id: str
    ...     note: str | None = optional()
    >>> format_record(Shard("0"))
    '{"id": "0"}'
    """
    return field(default=default, metadata={OMIT: True})


def as_plain(value: Any) -> Any:
    """Convert a record and everything in it to values that JSON can hold.

    Returns
    -------
    object
        Dicts in the order of the fields, lists, and plain values.
    """
    if is_dataclass(value) and not isinstance(value, type):
        kept = [each for each in fields(value) if not _is_omitted(each, getattr(value, each.name))]
        return {each.name: as_plain(getattr(value, each.name)) for each in kept}
    if type(value).__module__ == "numpy":  # not imported here: the workflow is parsed without it
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: as_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):  # a check in place, for lists of thousands of numbers
        return [each if type(each) in PLAIN else as_plain(each) for each in value]
    return value


def _is_omitted(declared: Field[Any], value: Any) -> bool:
    default = declared.default
    return bool(declared.metadata.get(OMIT)) and default is not MISSING and value == default


def from_plain(kind: type[Record], plain: object) -> Record:
    """Make a record from plain values, as returned by `as_plain`.

    Unknown fields are ignored.

    Raises
    ------
    ValueError
        If a field is missing or of another type. The message names the field.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Shard:
    ...     id: str
    ...     bins: int
    >>> from_plain(Shard, {"id": "0", "bins": 3})
    Shard(id='0', bins=3)
    >>> from_plain(Shard, {"id": "0", "bins": "3"})
    Traceback (most recent call last):
    msgspec.ValidationError: Expected `int`, got `str` - at `$.bins`
    """
    return msgspec.convert(plain, kind, dec_hook=_make_array)


def _make_array(kind: type, value: object) -> object:
    """Make the only kind of array that records hold: runs [first, last), int64 (n, 2)."""
    import numpy as np

    if kind is not np.ndarray and getattr(kind, "__origin__", None) is not np.ndarray:
        raise ValueError(f"no field can be of type {kind}")
    if value == []:
        return np.empty((0, 2), np.int64)
    found = np.array(value)
    if found.dtype.kind != "i" or found.shape[1:] != (2,):
        raise ValueError("Expected int64 array (n, 2)")
    return found.astype(np.int64, copy=False)


def parse_record(kind: type[Record], text: str) -> Record:
    """Make a record from JSON text; errors as `from_plain`."""
    return from_plain(kind, parse_json(text))


def format_record(record: object) -> str:
    """Format a record as one line of JSON."""
    return json.dumps(as_plain(record))


def save_record(path: Path, record: object, *, indent: int | None = None, **more: object) -> None:
    """Write a record to a JSON file, whole or not at all.

    Parameters
    ----------
    path : Path
    record : dataclass
    indent : int, optional
        As in `json.dumps`. Default is None, one line.
    **more
        Written before the record's own fields, e.g. a format version or a digest.
    """
    with write_atomically(path) as file:
        file.write(json.dumps({**more, **as_plain(record)}, indent=indent).encode() + b"\n")


def load_record(kind: type[Record], path: Path, *, what: str, version: int | None = None) -> Record:
    """Read a record that `save_record` wrote.

    Parameters
    ----------
    kind : dataclass
        If it has a method `check`, that raises a ValueError for values that are impossible.
    path : Path
    what : str
        Content of the file, for the error message, e.g. "plan".
    version : int, optional
        Format version that the file must have. Default is None: it is not checked.

    Raises
    ------
    UserError
        If the file is missing, damaged or written by another version of this program.
    """
    return load_plain(
        path, lambda plain: _check(from_plain(kind, plain)), what=what, version=version
    )


def load_plain(
    path: Path, make: Callable[[Any], Record], *, what: str, version: int | None = None
) -> Record:
    """Read a JSON file and make something of its plain values; arguments as `load_record`.

    Raises
    ------
    UserError
        As `load_record`, also if `make` raises an error that a damaged value can cause.
    """
    try:
        plain = parse_json(Path(path).read_bytes())
        if version is not None and isinstance(plain, dict) and plain.get("format") != version:
            raise ValueError(f"format version {plain.get('format')}, expected {version}")
        return make(plain)
    except KeyError as error:
        raise _refuse(path, what, f"{error} is missing") from error
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise _refuse(path, what, error) from error


def _refuse(path: Path, what: str, reason: object) -> UserError:
    return UserError(f"{path}: no usable {what} ({reason}): delete it and run again")


def _check(record: Record) -> Record:
    """Return a record whose own check, if it has one, finds nothing impossible."""
    check = getattr(record, "check", None)
    if check is not None:
        check()
    return record
