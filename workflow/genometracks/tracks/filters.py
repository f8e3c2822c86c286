"""Filters of tracks: `assay == "ATAC" and tissue ~ "heart"`, over the columns of their metadata.

    test    = column operator value        column: a word, or any text in `backticks`
    filter  = tests joined by and, or, not, and parentheses

`==` and `!=` compare text as it is, or numbers where both are; `<`, `<=`, `>`, `>=` numbers; `~`
and `!~` search for a regular expression, whatever the case. A filter is read, never executed.
"""

import difflib
import operator
import re
from collections.abc import Callable

from genometracks.errors import UserError

TOKEN = re.compile(
    r"""\s*(?:(?P<sign>==|!=|!~|<=|>=|<|>|~|\(|\))|"(?P<double>[^"]*)"|'(?P<single>[^']*)'
    |`(?P<column>[^`]*)`|(?P<word>[^\s"'`()=!<>~]+))""",
    re.VERBOSE,
)
ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
SIGNS = ("==", "!=", "~", "!~", *ORDER)

Test = Callable[[dict], bool]


def find_where(tracks: list[dict], text: str, *, key: str) -> list[int]:
    """Indices of the tracks for which a filter holds.

    Parameters
    ----------
    tracks : list of dict
        The model's tracks: `name` and any further columns.
    text : str
    key : str
        Of the config, for errors.

    Raises
    ------
    UserError
        If it is no filter, names a column that no track has, or holds for no track.
    """
    columns = list(dict.fromkeys(column for track in tracks for column in track))
    test = _Reader(text, columns, f"{key}: where: {text!r}").read()
    found = [i for i, track in enumerate(tracks) if test(track)]
    if not found:
        raise UserError(f"{key}: where: {text!r} holds for no track: loosen it")
    return found


class _Reader:
    """Recursive descent, one token ahead; tokens are (kind, text)."""

    def __init__(self, text: str, columns: list[str], where: str) -> None:
        self._columns, self._where = columns, where
        self._tokens: list[tuple[str, str]] = []
        done, text = 0, text.rstrip()
        while done < len(text):
            match = TOKEN.match(text, done)
            if not match:
                rest = text[done:].strip()
                mend = ": write == for 'equal'" if rest.startswith("=") else ""
                self._refuse(f"cannot be read from {rest!r} on{mend}")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            done = match.end()

    def read(self) -> Test:
        test = self._either()
        if self._tokens:
            self._refuse(f"cannot be read from {self._tokens[0][1]!r} on: 'and' or 'or' is missing")
        return test

    def _either(self) -> Test:
        tests = [self._all()]
        while self._take("word", "or"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda track: any(test(track) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take("word", "and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda track: all(test(track) for test in tests)

    def _one(self) -> Test:
        if self._take("word", "not"):
            test = self._one()
            return lambda track: not test(track)
        if self._take("sign", "("):
            test = self._either()
            if not self._take("sign", ")"):
                self._refuse("a parenthesis is not closed")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        kind, column = self._next("a column")
        if kind not in ("word", "column"):
            self._refuse(f"{column!r} stands where a column is expected")
        if column not in self._columns:
            near = difflib.get_close_matches(column, self._columns, n=1)
            mend = f"did you mean {near[0]!r}? " if near else ""
            self._refuse(f"no column {column!r}: {mend}columns are {', '.join(self._columns)}")
        kind, sign = self._next("an operator")
        if kind != "sign" or sign not in SIGNS:
            self._refuse(f"{sign!r} stands where one of {' '.join(SIGNS)} is expected")
        kind, value = self._next("a value")
        if kind in ("sign", "column"):
            self._refuse(f"{value!r} stands where a value is expected")
        return self._compare(column, sign, value)

    def _compare(self, column: str, sign: str, value: str) -> Test:
        def text(track: dict) -> str:
            return str(track.get(column, ""))

        if sign in ("~", "!~"):
            try:
                pattern = re.compile(value, re.IGNORECASE)
            except re.error as error:
                self._refuse(f"{value!r} is no regular expression: {error}")
            return lambda track: bool(pattern.search(text(track))) == (sign == "~")
        number = _as_number(value)
        if sign in ORDER:
            if number is None:
                self._refuse(f"{sign} compares numbers, {value!r} is none")
            return lambda track: (
                (own := _as_number(text(track))) is not None and ORDER[sign](own, number)
            )

        def equals(track: dict) -> bool:
            own = text(track)
            return own == value or (number is not None and _as_number(own) == number)

        return equals if sign == "==" else lambda track: not equals(track)

    def _take(self, kind: str, text: str) -> bool:
        if self._tokens and self._tokens[0] == (kind, text):
            self._tokens.pop(0)
            return True
        return False

    def _next(self, what: str) -> tuple[str, str]:
        if not self._tokens:
            self._refuse(f"ends where {what} is expected")
        return self._tokens.pop(0)

    def _refuse(self, problem: str) -> None:
        raise UserError(f"{self._where}: {problem}")


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
