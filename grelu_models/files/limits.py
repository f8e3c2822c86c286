"""Limits of nested values from untrusted files."""

from grelu_models.errors import ModelError

__all__ = ["check_nested", "show"]

DEEPEST = 100
"""Levels of nested lists and dicts."""


def check_nested(where: str, value: object, *, most: int, deepest: int = DEEPEST) -> None:
    """Refuse nested lists and dicts that are too large or too deep for a walk through them.

    Parameters
    ----------
    where : str
        For error messages.
    value : object
    most : int
        Largest number of values. A list that is part of several others counts in each.
    deepest : int
        Levels. Default is `DEEPEST`.

    Raises
    ------
    ModelError
        If a limit is exceeded; a list that contains itself has no last level.

    Examples
    --------
    >>> check_nested("model.yaml", [[1, 2], [3]], most=5)
    Traceback (most recent call last):
    grelu_models.errors.ModelError: model.yaml: refused, more than 5 nested values
    """
    known: dict[int, tuple[int, int]] = {}

    def measure(value: object, level: int) -> tuple[int, int]:
        """Values and levels of a list or dict."""
        size, levels = known.get(id(value), (1, 1))
        if level + levels > deepest + 1:
            raise ModelError(f"{where}: refused, more than {deepest} levels of nested values")
        if id(value) in known:
            return size, levels
        children = (
            [part for item in value.items() for part in item]
            if isinstance(value, dict)
            else list(value)  # type: ignore[call-overload]  # a list, tuple or set
        )
        size += len(children)
        for child in children:
            if isinstance(child, list | tuple | dict | set) and size <= most:
                inner, below = measure(child, level + 1)
                size, levels = size + inner - 1, max(levels, below + 1)
        if size > most:
            raise ModelError(f"{where}: refused, more than {most:,} nested values")
        known[id(value)] = size, levels
        return size, levels

    if isinstance(value, list | tuple | dict | set):
        measure(value, 1)


def show(value: object, longest: int = 80) -> str:
    """Return a short representation of a value, for an error message."""
    try:
        shown = repr(value[: longest + 1] if isinstance(value, str) else value)
    except (ValueError, RecursionError):  # more digits than Python converts, or too deep
        return f"a {type(value).__name__}"
    return shown if len(shown) <= longest else f"{shown[:longest]}…"
