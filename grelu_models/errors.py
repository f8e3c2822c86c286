"""The exception of this package that is reported to the user."""

import traceback

__all__ = ["LONGEST", "MisfitError", "ModelError", "describe_error", "make_line"]

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


class MisfitError(ModelError):
    """Weights do not fit the architecture that is stated for them."""


def make_line(message: str) -> str:
    """Make one printable line of a message: at most `LONGEST` characters, others as escapes."""
    shown = message[:LONGEST]
    if not shown.isprintable():
        shown = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown
        )
    return shown + ("…" if len(message) > LONGEST else "")


def describe_error(error: BaseException, file: str) -> str:
    """Describe an error, with the last line of a source file that was running."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file
    ]
    line = lines[-1] if lines else getattr(error, "lineno", None)  # a SyntaxError has its own
    where = f"{file}:{line}" if line else file
    reason = str(error).strip().split("\n")[0]
    return f"{where}: the code of model.python raised {type(error).__name__}: {reason}"
