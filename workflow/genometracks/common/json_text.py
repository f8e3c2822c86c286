"""JSON of untrusted or damaged files as plain values: any defect is one ValueError."""

import json
import re
from typing import Any

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Escape of half a character: two in a row may be a character, one alone is no text."""


def parse_json(text: str | bytes) -> Any:
    """Parse a JSON document.

    NaN and infinities are plain values: free-form metadata may contain them, and records check
    their own numbers.

    Parameters
    ----------
    text : str or bytes
        Bytes are read as UTF-8.

    Raises
    ------
    ValueError
        If it is not JSON, repeats a key in one object, is nested too deeply, or has a number or a
        text that Python cannot hold.

    Examples
    --------
    >>> parse_json('{"trim": 8}')
    {'trim': 8}
    >>> parse_json('{"trim": 8, "trim": 16}')
    Traceback (most recent call last):
    ValueError: key 'trim' is given twice
    """
    if isinstance(text, bytes):
        text = text.decode()
    try:
        plain = json.loads(text, object_pairs_hook=_make_object)
        if SURROGATE.search(text):
            json.dumps(plain, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError(str(error).partition(" while ")[0]) from error
    return plain


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in made if keys.count(key) > 1)
        raise ValueError(f"key {twice!r} is given twice")
    return made
