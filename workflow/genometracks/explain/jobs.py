"""The jobs that Snakemake would run, and Snakemake's reason for each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from genometracks.config.stages import STAGES

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
MAKERS = {
    "model.json": "model",
    "genome.json": "genome",
    "genome.fa": "genome",
    "genome.fa.fai": "genome",
    "probe.json": "probe",
    "plan.json": "plan",
    "shards.txt": "shards",
    "observed.json": "observed",
    "merge.json": "merge",
    "tracks.tsv": "tracks",
    "parquet": "parquet",
    "evaluation.tsv": "evaluate",
    "reference": "reference",
    "chrom.sizes": "reference",
    "hub": "browse",
    "page": "browse",
    "manifest.json": "manifest",
    "summary.txt": "summary",
    "report.html": "report",
}
MAKERS_BY_FOLDER = {
    "shards": "predict",
    "bigwig": "bigwig",
    "figures": "evaluate",
    "weights": "weights",
    "source": "download",
}
"""File of a run, or its folder -> the stage that makes it."""


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


def drop_stale(jobs: Sequence[PlannedJob]) -> list[PlannedJob]:
    """Leave out jobs that only follow jobs that are not to run.

    A dry run of Snakemake lists such jobs if the plan has fewer shards than the config allows:
    they followed from shards that it dropped when it read the plan. A real run does not run them.
    """
    kept: list[PlannedJob] = []
    places = {stage: place for place, stage in enumerate(STAGES)}
    for job in sorted(jobs, key=lambda job: places.get(job.stage, len(places))):
        causes = job.causes
        if set(causes) == {"follows"}:
            makers = {_find_maker(file) for file in list_files(causes["follows"])}
            running = {each.stage for each in kept if set(each.runs) & set(job.runs)}
            if None not in makers and not makers & running:
                continue
        kept.append(job)
    return kept


def list_files(named: str) -> list[str]:
    """The files that a reason of Snakemake names, separated by commas, perhaps with remarks."""
    return [file.split(" (")[0] for file in named.split(", ") if file]


def _find_maker(file: str) -> str | None:
    """The stage that makes a file of a run; None for a file that is not known here."""
    path = PurePath(file)
    if path.parent.name in MAKERS_BY_FOLDER:
        return MAKERS_BY_FOLDER[path.parent.name]
    if path.parent.name == "seals":
        return path.stem.split("_")[0]
    return MAKERS.get(path.name)
