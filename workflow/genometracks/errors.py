"""The exceptions that are reported to the user."""


class UserError(ValueError):
    """Bad input: what is wrong, where (file:key or contig:start-end), what to do, in one line.

    The command line prints only the message, without a traceback, and exits with status 1.
    """


class ShardError(UserError):
    """A shard is missing, stale or damaged: what merge.json certifies is no longer true."""
