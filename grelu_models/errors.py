"""The exception of this package that is reported to the user."""

__all__ = ["LONGEST", "ModelError", "make_line"]

LONGEST = 4000
"""Characters of the longest message; names and values in it may come from a hostile file."""


class ModelError(ValueError):
    """A model, its metadata or its weights cannot be used: what is wrong, where, and what to do.

    The message is one printable line: other characters are shown as escapes.

    Examples
    --------
    >>> print(ModelError("model.pt: tensor a\\nb is missing"))
    model.pt: tensor a\\nb is missing
    """

    def __init__(self, message: str) -> None:
        super().__init__(make_line(message))


def make_line(message: str) -> str:
    """Make one printable line of a message: at most `LONGEST` characters, others as escapes."""
    shown = message[:LONGEST]
    if not shown.isprintable():
        shown = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown
        )
    return shown + ("…" if len(message) > LONGEST else "")
