"""Paths of a run's files: no other module contains names inside a run's folder.

`results/{run}/` holds the results, `results/{run}/work/` the intermediate files. Genomes and models
are in folders of the same layout: the run's own, or one that several runs share.
"""

from dataclasses import dataclass
from pathlib import Path

SHARED = "shared"
"""Folder beside the runs: genomes and models that several of them need."""
REPORT = "report.html"
"""File in a run's folder, and beside the runs of a sheet: what was run, and how runs compare."""
COMPARE_LOG = "compare.log"
"""File beside the runs of a sheet: log of the job that compares them."""
RUNS = "runs.txt"
"""File beside the runs of a sheet: a line for each."""
PAGE = "page"
"""Folder in a run's folder, and beside the runs of a sheet: the page."""
PAGE_LOG = "page.log"
"""File beside the runs of a sheet: log of the job that writes their page."""
CHROM = "chrom="
"""Start of the folders of a Parquet data set, one per contig."""
RENAMED = "_contigs.tsv"
"""Its table of contigs with a short name. Readers of data sets skip files that start with `_`."""


@dataclass(frozen=True)
class RunFolder:
    """A run's folder, `{results}/{run}`; `path` may contain Snakemake's wildcards."""

    path: Path

    @classmethod
    def of_plan(cls, plan: Path) -> "RunFolder":
        """The folder that a plan.json belongs to."""
        return cls(plan.parents[1])

    @property
    def work(self) -> Path:
        """Folder of the intermediate files, which only this program reads."""
        return self.path / "work"

    @property
    def probe(self) -> Path:
        """Values determined for settings left at `auto`."""
        return self.work / "probe.json"

    @property
    def plan(self) -> Path:
        """The plan."""
        return self.work / "plan.json"

    @property
    def shard_list(self) -> Path:
        """Ids of the plan's shards, one per line."""
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
        """Proof that the shards are complete."""
        return self.work / "merge.json"

    @property
    def observed(self) -> Path:
        """Digests of the observed tracks."""
        return self.work / "observed.json"

    @property
    def browsed(self) -> Path:
        """What page, hub and session files were made from."""
        return self.work / "browse.json"

    @property
    def lock(self) -> Path:
        """Lock of the run, held while `genometracks run` works on it."""
        return self.work / "run.lock"

    @property
    def seals(self) -> Path:
        """Folder of the results' seals, one file per job."""
        return self.work / "seals"

    @property
    def logs(self) -> Path:
        """Folder of the stages' logs."""
        return self.path / "logs"

    @property
    def predict_logs(self) -> Path:
        """Folder of the prediction jobs' logs, one per shard."""
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
    def reference(self) -> Path:
        """What page and hub show beside the tracks: genes, sites, regions, observed tracks."""
        return self.path / "reference"

    @property
    def hub(self) -> Path:
        """The track hub, and session files of other browsers."""
        return self.path / "hub"

    @property
    def page(self) -> Path:
        """Folder of the page."""
        return self.path / PAGE

    @property
    def chrom_sizes(self) -> Path:
        """Table of the contigs' lengths."""
        return self.reference / "chrom.sizes"

    @property
    def manifest(self) -> Path:
        """Everything needed to repeat the run, with a digest of every result."""
        return self.path / "manifest.json"

    @property
    def crate(self) -> Path:
        """The run as an RO-Crate: inputs, results, workflow and licences for other programs."""
        return self.path / "ro-crate-metadata.json"

    @property
    def summary(self) -> Path:
        """The run in a few lines."""
        return self.path / "summary.txt"

    @property
    def report(self) -> Path:
        """The run to read: what was run, at what cost, and what its tracks are like."""
        return self.path / REPORT


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
        """The normalised FASTA; its index is beside it."""
        return self.path / "work" / "genome.fa"

    @property
    def index(self) -> Path:
        """The index of the normalised FASTA."""
        return self.path / "work" / "genome.fa.fai"

    @property
    def source(self) -> Path:
        """Folder of the FASTA, if it is downloaded."""
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
        """Folder of the weights, if they are fetched from the hub."""
        return self.path / "work" / "weights"
