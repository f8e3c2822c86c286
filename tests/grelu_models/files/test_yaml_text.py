"""YAML within limits."""

import pytest
import yaml

from grelu_models.files.yaml_text import parse_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "key 'a' is given twice", 3),
        ("x: {1: a, 1: b}", "key '1' is given twice", 1),
        (BOMB, "more than 1,000,000 values, with every alias replaced", 7),
        ("[" * 3000 + "]" * 3000, "more than 100 levels of nested lists and mappings", 1),
        ("a: 1\nb: &x [1, *x]", "an alias refers to a list or mapping that contains it", 2),
        ("a: 1\nb: " + "9" * 5000, "not a usable value: Exceeds the limit", 2),
        ("a: 2026-99-99", "not a usable value: month must be in 1..12", 1),
    ],
    ids=["duplicate", "number", "bomb", "deep", "recursive", "digits", "date"],
)
def test_text_beyond_a_limit_is_one_error_with_its_line(text, problem, line):
    with pytest.raises(yaml.YAMLError) as caught:
        parse_yaml(text)
    assert caught.value.problem.startswith(problem)
    assert caught.value.problem_mark.line + 1 == line


def test_aliases_and_merge_keys_keep_their_meaning():
    text = "a: &a {x: 1, y: [2]}\nb: *a\nc: {<<: *a, x: 3}\n"
    assert parse_yaml(text) == yaml.safe_load(text)
    assert parse_yaml("") is None
