"""Look-up of layers by name."""

from collections.abc import Mapping
from typing import TypeVar

from grelu_models.errors import ModelError

__all__ = ["choose"]

Entry = TypeVar("Entry")


def choose(table: Mapping[str | None, Entry], name: str | None, what: str) -> Entry:
    """Return the entry of a name.

    Parameters
    ----------
    table : mapping
        Entries by name.
    name : str or None
    what : str
        Kind of the entries, for the error message.

    Raises
    ------
    ModelError
        If the name is unknown. The message lists the known ones.
    """
    try:
        return table[name]
    except (KeyError, TypeError):  # TypeError: a name from a file may be a list
        known = ", ".join(str(name) for name in table)
        raise ModelError(f"unknown {what} {name!r}: use one of {known}") from None
