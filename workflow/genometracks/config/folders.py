"""Where the files of a run are: the one place that knows names inside a run's folder.

`results/{run}/` holds the results, `results/{run}/work/` what they are made of. Genomes and models
have folders of the same layout, the run's own or one that several runs share.
"""

from dataclasses import dataclass
from pathlib import Path

SHARED = "shared"
"""Folder beside the runs: genomes and models that several of them need."""


@dataclass(frozen=True)
class RunFolder:
    """A run's folder, `{results}/{run}`; `path` may hold Snakemake's wildcards."""

    path: Path

    @classmethod
    def of_plan(cls, plan: Path) -> "RunFolder":
        """The folder that a plan.json belongs to."""
        return cls(plan.parents[1])

    @property
    def work(self) -> Path:
        """What results are made of; only this program reads it."""
        return self.path / "work"

    @property
    def probe(self) -> Path:
        """What was found out for `auto`."""
        return self.work / "probe.json"

    @property
    def plan(self) -> Path:
        """The plan."""
        return self.work / "plan.json"

    @property
    def shard_list(self) -> Path:
        """Ids of the plan's shards, one a line."""
        return self.work / "shards.txt"

    @property
    def shards(self) -> Path:
        """Folder of the shards' data and sidecars."""
        return self.work / "shards"

    @property
    def progress(self) -> Path:
        """Folder of the running jobs' progress files."""
        return self.work / "progress"

    @property
    def merged(self) -> Path:
        """What merging proved of the shards."""
        return self.work / "merge.json"

    @property
    def observed(self) -> Path:
        """Digests of the observed tracks."""
        return self.work / "observed.json"

    @property
    def logs(self) -> Path:
        """Folder of the stages' logs."""
        return self.path / "logs"

    @property
    def predict_logs(self) -> Path:
        """Folder of the prediction jobs' logs, one a shard."""
        return self.logs / "predict"

    @property
    def bigwig(self) -> Path:
        """Folder of the bigWigs."""
        return self.path / "bigwig"

    @property
    def parquet(self) -> Path:
        """The Parquet data set."""
        return self.path / "parquet"

    @property
    def tracks(self) -> Path:
        """Table of the tracks."""
        return self.path / "tracks.tsv"

    @property
    def evaluation(self) -> Path:
        """Table of the correlations with observed tracks."""
        return self.path / "evaluation.tsv"

    @property
    def figures(self) -> Path:
        """Folder of the evaluation's figures."""
        return self.path / "figures"

    @property
    def manifest(self) -> Path:
        """Everything needed to run again, and digests of every result."""
        return self.path / "manifest.json"

    @property
    def summary(self) -> Path:
        """The run in a few lines."""
        return self.path / "summary.txt"


@dataclass(frozen=True)
class GenomeFolder:
    """A folder that holds a prepared genome."""

    path: Path

    @property
    def json(self) -> Path:
        """Contigs, their lengths, runs of N and digests."""
        return self.path / "work" / "genome.json"

    @property
    def bases(self) -> Path:
        """The normalised FASTA; its index stands beside it."""
        return self.path / "work" / "genome.fa"

    @property
    def source(self) -> Path:
        """Folder of the FASTA, where it was fetched."""
        return self.path / "work" / "source"


@dataclass(frozen=True)
class ModelFolder:
    """A folder that holds a described model."""

    path: Path

    @property
    def json(self) -> Path:
        """Geometry, tracks and digests."""
        return self.path / "work" / "model.json"

    @property
    def weights(self) -> Path:
        """Folder of the weights, where they were fetched."""
        return self.path / "work" / "weights"
