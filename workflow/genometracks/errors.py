"""The exceptions that are reported to the user."""

from grelu_models.errors import make_line

LISTED = 20
"""Errors that a message shows at most."""


class UserError(ValueError):
    """Bad input: what is wrong, where (file:key or contig:start-end), what to do.

    Each error is one printable line. The command line prints only the message, without a
    traceback, and exits with status 1.

    Parameters
    ----------
    messages : str
        One error; or several that were found together, of which the message has the first 20.

    Examples
    --------
    >>> print(UserError("config: shards: 0 is too small", "g.fa: no such file"))
    config: shards: 0 is too small
    g.fa: no such file
    """

    def __init__(self, *messages: object) -> None:
        self.messages = tuple(make_line(str(message)) for message in messages)
        shown = list(self.messages[:LISTED])
        if len(self.messages) > LISTED:
            shown.append(f"and {len(self.messages) - LISTED:,} more errors: correct these first")
        super().__init__("\n".join(shown))

    def __reduce__(self) -> tuple[type["UserError"], tuple[str, ...]]:
        return type(self), self.messages


class ShardError(UserError):
    """A shard is missing, stale or damaged: what merge.json certifies is no longer true."""


def list_messages(error: Exception) -> tuple[str, ...]:
    """The errors that an exception stands for, each one line."""
    return error.messages if isinstance(error, UserError) else (make_line(str(error)),)


def add_prefix(prefix: str, error: object) -> str:
    """Return the message of an error with a prefix before each of its errors."""
    lines = str(error).split("\n") if isinstance(error, UserError) else [str(error)]
    return "\n".join(f"{prefix}{line}" for line in lines)
