"""Lines of a commented YAML file, from values that may be hostile."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from genometracks.config.schema import list_keys
from grelu_models.errors import make_line

WIDTH = 100
"""Characters of the longest line of a comment."""

Comments = Sequence[str]
"""Sentences, each of which starts on a line of its own."""


def write_value(value: object) -> str:
    """Write a value as YAML in one line, quoted where it must be.

    Examples
    --------
    >>> print(write_value(["chr[0-9]", "a: b", "#"]), write_value(None))
    ['chr[0-9]', 'a: b', '#'] null
    """
    text: str = yaml.safe_dump(
        [value], default_flow_style=True, width=float("inf"), allow_unicode=True
    )
    return text.strip()[1:-1]


def write_comments(comments: Comments, *, indent: int = 0) -> Iterator[str]:
    """Yield comments as lines; no text in them can end its line."""
    mark = " " * indent + "# "
    for comment in comments:
        words = textwrap.wrap(
            make_line(comment), WIDTH - len(mark), break_long_words=False, break_on_hyphens=False
        )
        yield from (f"{mark}{line}" for line in words)


def write_key(
    key: str, value: object, *, comments: Comments = (), active: bool = True
) -> Iterator[str]:
    """Yield a key of the config with comments above it: its description, then the given ones.

    Parameters
    ----------
    key : str
        Dotted.
    value : object
    comments : sequence of str
        What was found out about it. Default is ().
    active : bool
        Whether the key is set; otherwise it is a comment itself. Default is True.
    """
    *above, name = key.split(".")
    indent = 2 * len(above)
    yield from write_comments([describe_key(key), *comments], indent=indent)
    mark = "" if active else "# "
    yield f"{' ' * indent}{mark}{name}: {write_value(value)}"


def describe_key(key: str) -> str:
    """The description of a key in the schema."""
    schema: dict[str, Any] = dict(list_keys())[key]
    description: str = schema["description"]
    return description


def find_default(key: str) -> object:
    """The default of a key in the schema; None if it is required."""
    return dict(list_keys())[key].get("default")
