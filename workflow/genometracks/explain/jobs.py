"""The jobs that Snakemake would run, and Snakemake's reason for each."""

import re
from dataclasses import dataclass

CAUSES = {
    "Missing output files": "missing",
    "Incomplete output files": "interrupted",
    "Updated input files": "newer",
    "Input files updated by another job": "follows",
    "Set of input files has changed": "inputs",
    "Code has changed": "code",
    "Params have changed": "settings",
    "Software environment definition has changed": "software",
    "Forced execution": "forced",
}
"""Beginning of a reason of Snakemake -> cause."""


@dataclass(frozen=True)
class PlannedJob:
    """A job that Snakemake would run.

    Attributes
    ----------
    runs : tuple of str
        Runs that need its result.
    stage : str
    part : str
        Id of the shard, or number of the job; "" if the stage has one.
    reason : str
        Snakemake's reason, in its words.
    """

    runs: tuple[str, ...]
    stage: str
    part: str
    reason: str

    @property
    def causes(self) -> dict[str, str]:
        """Cause -> the files or settings that the reason names."""
        found = {}
        for part in re.split(r"; (?=[A-Z])", self.reason):
            for begin, cause in CAUSES.items():
                if part.startswith(begin):
                    found[cause] = part[len(begin) :].partition(": ")[2]
        return found
