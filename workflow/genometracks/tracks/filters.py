"""Filters of tracks by their metadata, e.g. `assay == "ATAC" and tissue ~ "heart"`.

    comparison = column operator value        column: a word, or any text in `backticks`
    filter     = comparisons joined by and, or, not, and parentheses

`==` and `!=` compare text exactly, or numbers if both are numbers; `<`, `<=`, `>`, `>=` compare
numbers; `~` and `!~` search for a regular expression, ignoring case. A filter is parsed, never
executed.
"""

import difflib
import operator
import re
from collections.abc import Callable, Sequence
from typing import NoReturn

from genometracks.errors import UserError
from genometracks.inputs.model import Metadata

TOKEN = re.compile(
    r"""\s*(?:(?P<sign>==|!=|!~|<=|>=|<|>|~|\(|\))|"(?P<double>[^"]*)"|'(?P<single>[^']*)'
    |`(?P<column>[^`]*)`|(?P<word>[^\s"'`()=!<>~]+))""",
    re.VERBOSE,
)
ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SIGNS = ("==", "!=", "~", "!~", *ORDER)

Test = Callable[[Metadata], bool]


def filter_tracks(tracks: Sequence[Metadata], text: str, *, key: str) -> list[int]:
    """Find the indices of the tracks that a filter matches.

    Parameters
    ----------
    tracks : sequence of dict
        The model's tracks: `name` and any further columns.
    text : str
        The filter.
    key : str
        Key of the config, for errors.

    Raises
    ------
    UserError
        If the filter cannot be parsed, names a column that no track has, or matches no track.

    Examples
    --------
    >>> tracks = [{"name": "a", "assay": "ATAC"}, {"name": "b", "assay": "CAGE"}]
    >>> filter_tracks(tracks, "assay == ATAC or name ~ '^b'", key="output.tracks")
    [0, 1]
    """
    columns = list(dict.fromkeys(column for track in tracks for column in track))
    test = _Parser(text, columns, f"{key}: where: {text!r}").parse()
    found = [i for i, track in enumerate(tracks) if test(track)]
    if not found:
        raise UserError(f"{key}: where: {text!r} matches no track: relax the filter")
    return found


class _Parser:
    """Recursive descent with one token of lookahead; tokens are (kind, text)."""

    def __init__(self, text: str, columns: list[str], where: str) -> None:
        self._columns, self._where = columns, where
        self._tokens: list[tuple[str, str]] = []
        done, text = 0, text.rstrip()
        while done < len(text):
            match = TOKEN.match(text, done)
            if not match or match.lastgroup is None:
                rest = text[done:].strip()
                hint = ": write == for 'equal'" if rest.startswith("=") else ""
                self._refuse(f"cannot be parsed from {rest!r} on{hint}")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            done = match.end()

    def parse(self) -> Test:
        """The filter as a function of a track."""
        test = self._parse_or()
        if self._tokens:
            self._refuse(
                f"cannot be parsed from {self._tokens[0][1]!r} on: 'and' or 'or' is missing"
            )
        return test

    def _parse_or(self) -> Test:
        tests = [self._parse_and()]
        while self._take("word", "or"):
            tests.append(self._parse_and())
        return tests[0] if len(tests) == 1 else lambda track: any(test(track) for test in tests)

    def _parse_and(self) -> Test:
        tests = [self._parse_not()]
        while self._take("word", "and"):
            tests.append(self._parse_not())
        return tests[0] if len(tests) == 1 else lambda track: all(test(track) for test in tests)

    def _parse_not(self) -> Test:
        if self._take("word", "not"):
            test = self._parse_not()
            return lambda track: not test(track)
        if self._take("sign", "("):
            test = self._parse_or()
            if not self._take("sign", ")"):
                self._refuse("a parenthesis is not closed")
            return test
        return self._parse_comparison()

    def _parse_comparison(self) -> Test:
        kind, column = self._next("a column")
        if kind not in ("word", "column"):
            self._refuse(f"found {column!r} where a column is expected")
        if column not in self._columns:
            near = difflib.get_close_matches(column, self._columns, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            self._refuse(f"no column {column!r}: {hint}columns are {', '.join(self._columns)}")
        kind, sign = self._next("an operator")
        if kind != "sign" or sign not in SIGNS:
            self._refuse(f"found {sign!r} where one of {' '.join(SIGNS)} is expected")
        kind, value = self._next("a value")
        if kind in ("sign", "column"):
            self._refuse(f"found {value!r} where a value is expected")
        if sign in ("~", "!~"):
            return self._search(column, value, found=sign == "~")
        if sign in ORDER:
            return self._order(column, sign, value)
        return self._equal(column, value, equal=sign == "==")

    def _search(self, column: str, value: str, *, found: bool) -> Test:
        try:
            pattern = re.compile(value, re.IGNORECASE)
        except re.error as error:
            self._refuse(f"{value!r} is not a regular expression: {error}")
        return lambda track: bool(pattern.search(_read_text(track, column))) == found

    def _order(self, column: str, sign: str, value: str) -> Test:
        number, compare = _read_number(value), ORDER[sign]
        if number is None:
            self._refuse(f"{sign} compares numbers, and {value!r} is not a number")

        def test(track: Metadata) -> bool:
            own = _read_number(_read_text(track, column))
            return own is not None and compare(own, number)

        return test

    def _equal(self, column: str, value: str, *, equal: bool) -> Test:
        number = _read_number(value)

        def test(track: Metadata) -> bool:
            own = _read_text(track, column)
            same = own == value or (number is not None and _read_number(own) == number)
            return same == equal

        return test

    def _take(self, kind: str, text: str) -> bool:
        if self._tokens and self._tokens[0] == (kind, text):
            self._tokens.pop(0)
            return True
        return False

    def _next(self, what: str) -> tuple[str, str]:
        if not self._tokens:
            self._refuse(f"ends where {what} is expected")
        return self._tokens.pop(0)

    def _refuse(self, problem: str) -> NoReturn:
        raise UserError(f"{self._where}: {problem}")


def _read_text(track: Metadata, column: str) -> str:
    return str(track.get(column, ""))


def _read_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
