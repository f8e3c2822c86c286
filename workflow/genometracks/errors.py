"""The one exception that is meant for the user's eyes."""


class UserError(ValueError):
    """Bad input: what is wrong, where (file:key or contig:start-end), and the mend, in one line.

    The command line prints the message alone, without a traceback, and exits with status 1.
    """


class ShardError(UserError):
    """A shard is missing, stale or damaged: what was proved of the shards is no longer true."""
