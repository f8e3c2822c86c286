"""Records survive JSON unchanged; a damaged file is a one-line error."""

import json
import re
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from genometracks.common.records import (
    as_plain,
    format_record,
    from_plain,
    load_record,
    optional,
    parse_record,
    save_record,
)
from genometracks.errors import UserError


@dataclass(frozen=True)
class Part:
    """A part of a record."""

    id: str
    size: int = 1
    note: str | None = optional()


@dataclass(frozen=True)
class Whole:
    """A record with all kinds of fields."""

    name: str
    scale: int | float
    kind: Literal["one", "two"]
    parts: tuple[Part, ...]
    columns: dict[str, str | int] = field(default_factory=dict)
    first: Part | None = None
    extra: tuple[int, ...] = optional(())


WHOLE = Whole("a", 2, "one", (Part("x", 3), Part("y", note="n")), {"b": 1, "a": "z"})
PLAIN = {
    "name": "a",
    "scale": 2,
    "kind": "one",
    "parts": [{"id": "x", "size": 3}, {"id": "y", "size": 1, "note": "n"}],
    "columns": {"b": 1, "a": "z"},
    "first": None,
}


def test_a_record_becomes_plain_values_in_the_order_of_its_fields():
    assert as_plain(WHOLE) == PLAIN
    assert json.dumps(as_plain(WHOLE)) == json.dumps(PLAIN) == format_record(WHOLE)


def test_a_record_survives_json():
    assert from_plain(Whole, PLAIN) == WHOLE
    assert parse_record(Whole, format_record(WHOLE)) == WHOLE
    assert isinstance(parse_record(Whole, format_record(WHOLE)).scale, int), "2 stays 2, not 2.0"


def test_optional_fields_are_omitted_at_their_default_only():
    assert "extra" not in as_plain(WHOLE)
    longer = from_plain(Whole, {**PLAIN, "extra": [1, 2]})
    assert longer.extra == (1, 2) and as_plain(longer)["extra"] == [1, 2]


def test_fields_that_a_record_does_not_have_are_ignored():
    assert from_plain(Whole, {**PLAIN, "format": 3}) == WHOLE


def test_a_record_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        WHOLE.name = "b"


@dataclass(frozen=True)
class Runs:
    """A record with arrays."""

    bare: np.ndarray
    typed: dict[str, npt.NDArray[np.int64]]


def test_arrays_of_intervals_are_written_as_lists_and_read_as_int64():
    runs = Runs(np.array([[0, 3]]), {"chr1": np.array([[1, 2], [5, 9]]), "chr2": np.empty((0, 2))})
    text = '{"bare": [[0, 3]], "typed": {"chr1": [[1, 2], [5, 9]], "chr2": []}}'
    assert format_record(runs) == text
    read = parse_record(Runs, text)
    assert read.bare.tolist() == [[0, 3]] and read.typed["chr1"].tolist() == [[1, 2], [5, 9]]
    assert read.typed["chr2"].shape == (0, 2)
    assert {each.dtype for each in (read.bare, *read.typed.values())} == {np.dtype(np.int64)}


@pytest.mark.parametrize(
    "value",
    [[[0, 1.5]], [[0, 10**30]], [[True, False]], ["x"], [[0, 1], [2]], [0, 1], [[0, 1, 2, 3]], {}],
)
def test_values_that_are_not_intervals_name_the_field(value):
    with pytest.raises(ValueError, match=r" - at `\$\.typed\[\.\.\.\]`$"):
        from_plain(Runs, {"bare": [], "typed": {"chr1": value}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 1}, "Expected `str`, got `int` - at `$.name`"),
        ({"scale": "2"}, "Expected `int | float`, got `str` - at `$.scale`"),
        ({"kind": "three"}, "Invalid enum value 'three' - at `$.kind`"),
        (
            {"parts": [{"id": "x", "size": 1.5}]},
            "Expected `int`, got `float` - at `$.parts[0].size",
        ),
        ({"parts": [{}]}, "Object missing required field `id` - at `$.parts[0]`"),
        ({"columns": []}, "Expected `object`, got `array` - at `$.columns`"),
        ({"first": "x"}, "Expected `object | null`, got `str` - at `$.first`"),
    ],
)
def test_a_value_of_another_type_names_its_field(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        from_plain(Whole, {**PLAIN, **change})


def test_a_file_holds_what_is_added_before_the_fields(tmp_path):
    path = tmp_path / "part.json"
    save_record(path, Part("x", 3), format=1)
    assert path.read_bytes() == b'{"format": 1, "id": "x", "size": 3}\n'
    assert load_record(Part, path, what="part", version=1) == Part("x", 3)
    save_record(path, Part("x"), indent=1)
    assert path.read_bytes() == b'{\n "id": "x",\n "size": 1\n}\n'
    assert load_record(Part, path, what="part") == Part("x")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b'{"format": 1, "id": "x', "Unterminated string starting at: line 1 column 21 (char 20)"),
        (b'{"format": 1, "id": "\xff"}', "'utf-8' codec can't decode byte 0xff in position 21"),
        (b'{"format": 1, "id": 3}', "Expected `str`, got `int` - at `$.id`"),
        (b'{"format": 1}', "Object missing required field `id`"),
        (b'{"format": 2, "id": "x"}', "format version 2, expected 1"),
        (b'{"id": "x"}', "format version None, expected 1"),
        (b'["x"]', "Expected `object`, got `array`"),
        (b'"x"', "Expected `object`, got `str`"),
        (b"[" * 100_000, "maximum recursion depth exceeded"),
        (b'{"format": 1, "id": ' + b"[" * 100_000, "maximum recursion depth exceeded"),
        (b'{"format": 1, "id": "x", "size": 1%s}' % (b"0" * 5000), "Exceeds the limit"),
    ],
)
def test_a_damaged_file_is_a_one_line_error(tmp_path, data, reason):
    path = tmp_path / "part.json"
    path.write_bytes(data)
    with pytest.raises(UserError) as caught:
        load_record(Part, path, what="part", version=1)
    line = str(caught.value)
    assert line.startswith(f"{path}: no usable part ({reason}") and "\n" not in line
    assert line.endswith("): delete it and run again")


def test_a_missing_file_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError, match=r"gone.json: no usable part \(.*No such file or directory"):
        load_record(Part, tmp_path / "gone.json", what="part")


def test_a_deep_value_does_not_crash(tmp_path):
    """Free-form values may be nested until Python's limit, which is one error."""
    path = tmp_path / "free.json"
    path.write_text('{"name": ' + "[" * 100_000 + "]" * 100_000 + "}")

    @dataclass(frozen=True)
    class Free:
        name: Any

    with pytest.raises(UserError, match="free.json: no usable record .maximum recursion depth"):
        load_record(Free, path, what="record")
    path.write_text('{"name": ' + "[" * 200 + "]" * 200 + "}")
    free = load_record(Free, path, what="record")
    save_record(path, free)
    assert load_record(Free, path, what="record") == free
