"""Check of a config's values before anything else reads them: plain, finite, and few enough.

Config files come from Snakemake already parsed, by a parser without limits. A few hundred bytes of
anchors may stand for billions of values, which a copy, a comparison or JSON would walk.
"""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from genometracks.errors import UserError
from grelu_models.files.yaml_text import DEEPEST, LARGEST

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line ends, and halves of characters that no text has."""
BREAKS = ("where",)
"""Keys whose text may be on several lines."""
SMALLEST, GREATEST = -(2**63), 2**63 - 1
"""Whole numbers of the formats that are written."""
MOST = 1_000
"""Problems that are described at most."""

Path = tuple[str | int, ...]
"""Keys of mappings and indices in lists that lead to a value."""


@dataclass(frozen=True)
class Problem:
    """A key or value that a config cannot have: where it is, and what is wrong."""

    path: Path
    text: str


def find_odd_values(config: object) -> list[Problem]:
    """Find the values that no config can contain.

    Parameters
    ----------
    config : object
        As parsed from YAML or JSON; may share or contain parts of itself.

    Raises
    ------
    UserError
        If it has so many values that nothing else may read them.

    Examples
    --------
    >>> find_odd_values({"run": "a\\0"})[0].text
    "run: 'a\\\\x00' has the character U+0000: remove it"
    """
    found: list[Problem] = []
    for count, (path, value) in enumerate(_walk(config)):
        if count >= LARGEST or len(path) > DEEPEST:
            where = join_path(path[:3]) or "the file"
            raise UserError(
                f"config: {where}: more than {LARGEST:,} values or {DEEPEST} levels, with every "
                "alias replaced by what it stands for: shorten it"
            )
        if len(found) < MOST:
            where = join_path(path) or "the file"
            found += [Problem(place, f"{where}: {text}") for place, text in _judge(path, value)]
    return found


def remove_values(value: object, paths: Collection[Path], path: Path = ()) -> object:
    """Return a copy without the values at some paths; None stands for removed items of a list."""
    if isinstance(value, dict):
        return {
            key: remove_values(child, paths, (*path, key))
            for key, child in value.items()
            if (*path, key) not in paths
        }
    if isinstance(value, list):
        return [
            None if (*path, i) in paths else remove_values(child, paths, (*path, i))
            for i, child in enumerate(value)
        ]
    return value


def join_path(path: Path) -> str:
    """Join the steps into nested sections and lists to a dotted key.

    Examples
    --------
    >>> join_path(("output", "pairs", 0, "name"))
    'output.pairs[0].name'
    """
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".")


def shorten(value: object) -> str:
    """Format a value for an error message: `repr`, without the middle of a long one."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:50]}...{text[-20:]}"


def _walk(config: object) -> Iterator[tuple[Path, object]]:
    """Yield every value with its path, depth first; without recursion, because it may be deep."""
    pending: list[Iterator[tuple[Path, object]]] = [iter([((), config)])]
    while pending:
        found = next(pending[-1], None)
        if found is None:
            pending.pop()
            continue
        yield found
        pending.append(_list_children(*found))


def _list_children(path: Path, value: object) -> Iterator[tuple[Path, object]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield (*path, key), child
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield (*path, i), child


def _judge(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong with a value and with its keys, apart from what it contains."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                yield (*path, key), f"the key {shorten(key)} is not text: put it in quotes"
            elif CONTROL.search(key):
                yield (*path, key), _find_control(key) or ""
        return
    text = _find_problem(path, value)
    if text:
        yield path, text


def _find_problem(path: Path, value: object) -> str | None:
    """What is wrong with a value that has no keys; None if nothing is."""
    if isinstance(value, str):
        return _find_control(value, breaks=bool(path) and path[-1] in BREAKS)
    if isinstance(value, bool | list) or value is None:
        return None
    if isinstance(value, int):  # `repr` of a huge one is refused by Python
        fits = SMALLEST <= value <= GREATEST
        return None if fits else "the number has too many digits: correct it"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value} is not a finite number: correct it"
    return f"{shorten(value)} is a {type(value).__name__}: put it in quotes"


def _find_control(text: str, *, breaks: bool = False) -> str | None:
    found = CONTROL.search(re.sub("[\t\n]", " ", text) if breaks else text)
    return found and f"{shorten(text)} has the character U+{ord(found[0]):04X}: remove it"
