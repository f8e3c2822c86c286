"""Resources that a job requests from the scheduler, more at each further attempt."""

from collections.abc import Callable


def grow(amount: int) -> Callable[[object, int], int]:
    """Make a resource of a rule: the amount, times the number of the attempt.

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

    def request(wildcards: object, attempt: int) -> int:
        return amount * attempt

    return request
