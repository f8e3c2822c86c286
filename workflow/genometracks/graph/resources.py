"""What a job asks of a scheduler: more at each further attempt."""

from collections.abc import Callable


def grow(amount: int) -> Callable[[object, int], int]:
    """A resource of a rule: the amount, and two and three times as much at the next attempts.

    Parameters
    ----------
    amount : int
        `mem_mb` in MB, or `runtime` in minutes. Snakemake's own processes count as part of the
        job: do not go below 1,000 MB.

    Examples
    --------
    >>> grow(2_000)(None, attempt=3)
    6000
    """

    def ask(wildcards: object, attempt: int) -> int:
        return amount * attempt

    return ask
