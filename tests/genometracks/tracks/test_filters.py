"""Filters of tracks: equal to plain Python, and errors of invalid filters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.errors import UserError
from genometracks.tracks.filters import filter_tracks

TRACKS = [
    {"name": "a", "assay": "ATAC", "tissue": "Heart left", "clip": "384", "life stage": "adult"},
    {"name": "b", "assay": "ATAC", "tissue": "liver", "clip": "32.0", "life stage": "embryo"},
    {"name": "c", "assay": "CAGE", "tissue": "fetal heart", "clip": "", "life stage": "embryo"},
    {"name": "d", "assay": "", "tissue": "liver or heart", "clip": "1e3"},
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('assay == "ATAC" and tissue ~ "heart"', "a"),
        ("assay == ATAC", "ab"),
        ("assay != ATAC", "cd"),
        ("tissue ~ '^liver$'", "b"),
        ('tissue !~ "HEART"', "b"),
        ("clip == 32", "b"),
        ("clip > 32", "ad"),
        ("clip >= 32 and clip < 1000", "ab"),
        ("clip <= 32.0", "b"),
        ("`life stage` == embryo", "bc"),
        ("'life stage' == embryo", None),
        ('`life stage` == ""', "d"),
        ("not assay == ATAC and not tissue == 'fetal heart'", "d"),
        ("not (assay == ATAC or assay == CAGE)", "d"),
        # `and` binds tighter than `or`.
        ("assay == CAGE or assay == ATAC and tissue == liver", "bc"),
        ("(assay == CAGE or assay == ATAC) and tissue == liver", "b"),
        ('tissue == "liver or heart"', "d"),
        ("clip~'^3'", "ab"),
    ],
)
def test_a_filter_finds_its_tracks(text, names):
    if names is None:
        with pytest.raises(UserError, match="found 'life stage' where a column is expected"):
            filter_tracks(TRACKS, text, key="k")
        return
    assert "".join(TRACKS[i]["name"] for i in filter_tracks(TRACKS, text, key="k")) == names


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'asay == "ATAC"',
            "no column 'asay': did you mean 'assay'? "
            "columns are name, assay, tissue, clip, life stage",
        ),
        (
            "zzz == 1",
            "no column 'zzz': columns are name, assay, tissue, clip, life stage",
        ),
        ("assay = ATAC", "cannot be parsed from '= ATAC' on: write == for 'equal'"),
        ("assay ATAC", "found 'ATAC' where one of == != ~ !~ < <= > >= is expected"),
        ("assay ==", "ends where a value is expected"),
        ("assay == ATAC and", "ends where a column is expected"),
        ("(assay == ATAC", "a parenthesis is not closed"),
        (
            "assay == ATAC tissue == liver",
            "cannot be parsed from 'tissue' on: 'and' or 'or' is missing",
        ),
        ("assay == (ATAC)", "found '(' where a value is expected"),
        ("clip > many", "> compares numbers, and 'many' is not a number"),
        ("tissue ~ '('", "'(' is not a regular expression: missing )"),
        ("assay == 'ATAC", 'cannot be parsed from "\'ATAC" on'),
        ("assay == DNASE", "matches no track: relax the filter"),
        ("__import__('os')", "no column '__import__'"),
    ],
)
def test_an_invalid_filter_is_reported_with_the_columns(text, problem):
    with pytest.raises(UserError) as error:
        filter_tracks(TRACKS, text, key="output.tracks")
    assert str(error.value).startswith(f"output.tracks: where: {text!r}")
    assert problem in str(error.value)


def _compare(column: str, sign: str, value: str):
    """A comparison as text, and as plain Python."""
    tests = {
        "==": lambda row: row[column] == value,
        "!=": lambda row: row[column] != value,
        "~": lambda row: value.lower() in row[column].lower(),
        "!~": lambda row: value.lower() not in row[column].lower(),
    }
    return f'{column} {sign} "{value}"', tests[sign]


WORDS = st.text("xyZ", min_size=1, max_size=2)
COMPARED = st.builds(
    _compare, st.sampled_from("pq"), st.sampled_from(["==", "!=", "~", "!~"]), WORDS
)
EXPRESSIONS = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.builds(lambda a: (f"not ({a[0]})", lambda row: not a[1](row)), inner),
        st.builds(
            lambda a, b: (f"({a[0]}) and ({b[0]})", lambda row: a[1](row) and b[1](row)),
            inner,
            inner,
        ),
        st.builds(
            lambda a, b: (f"({a[0]}) or ({b[0]})", lambda row: a[1](row) or b[1](row)), inner, inner
        ),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS, st.lists(st.fixed_dictionaries({"p": WORDS, "q": WORDS}), min_size=1))
def test_filters_equal_plain_python(expression, rows):
    text, test = expression
    expected = [i for i, row in enumerate(rows) if test(row)]
    if expected:
        assert filter_tracks(rows, text, key="k") == expected
    else:
        with pytest.raises(UserError, match=re.escape("matches no track")):
            filter_tracks(rows, text, key="k")
