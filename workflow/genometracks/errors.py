"""The exceptions that are reported to the user."""

from grelu_models.errors import make_line


class UserError(ValueError):
    """Bad input: what is wrong, where (file:key or contig:start-end), what to do.

    The message is one printable line. The command line prints only the message, without a
    traceback, and exits with status 1.
    """

    def __init__(self, message: object) -> None:
        super().__init__(make_line(str(message)))


class ShardError(UserError):
    """A shard is missing, stale or damaged: what merge.json certifies is no longer true."""
