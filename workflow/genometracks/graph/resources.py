"""What a job of each stage asks a scheduler for; more at each further attempt."""

from collections.abc import Callable


def grow(amount: int) -> Callable:
    """A rule's resource: the amount, twice and three times as much at the next attempts.

    Parameters
    ----------
    amount : int
        `mem_mb` in MB, or `runtime` in minutes. Snakemake's own processes count as the job's: not
        below 1,000 MB.
    """

    def ask(wildcards, attempt: int) -> int:
        return amount * attempt

    return ask
