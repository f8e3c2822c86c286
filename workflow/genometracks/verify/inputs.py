"""A run's inputs and their digests, as the plan and the descriptions of genome and model state."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genometracks.common.sealing import digest_file
from genometracks.config.folders import SHARED, GenomeFolder, RunFolder
from genometracks.errors import UserError
from genometracks.export.manifest import read_observed
from genometracks.inputs.bases import Bases
from genometracks.inputs.genome import GenomeIndex
from genometracks.inputs.model import FoldFile
from genometracks.plan.plan import Plan

RESTORE = "restore it, or run again: what depends on it is computed again"
AGAIN = "delete it and run again"


@dataclass(frozen=True)
class Input:
    """A file that a run read.

    Attributes
    ----------
    path : Path
    expected : str
        Its digest when the run read it.
    digest : callable
        Computes the digest now.
    remedy : str
        What to do if it changed.
    """

    path: Path
    expected: str
    digest: Callable[[], str]
    remedy: str = RESTORE


def list_inputs(run: RunFolder, plan: Plan) -> Iterator[Input]:
    """Yield the inputs of a run, whether they are still there or not."""
    index = find_index(run, plan)
    if index:
        genome, described = index
        yield _of_file(Path(described.source), described.sha256)
        yield Input(
            genome.bases, plan.genome.sha256, partial(_check_bases, genome.bases, plan), AGAIN
        )
    for bed in (plan.genome.regions, plan.genome.blacklist):
        if bed:
            yield _of_file(Path(bed.bed), bed.sha256)
    for fold in plan.model.folds:
        yield Input(Path(fold.weights), fold.digest, partial(_digest_weights, fold, plan))
    for code in {fold.code for fold in plan.model.folds if fold.code}:
        yield _of_file(Path(code.file), code.sha256)
    if run.observed.exists():
        for each in read_observed(run.observed):
            yield _of_file(each.path, each.sha256)


def find_index(run: RunFolder, plan: Plan) -> tuple[GenomeFolder, GenomeIndex] | None:
    """Find the prepared genome of a plan: the run's own, or a shared one beside it."""
    shared = sorted((run.path.parent / SHARED).glob("*"))
    for genome in map(GenomeFolder, [run.path, *shared]):
        try:
            index = GenomeIndex.load(genome.json)
        except UserError:
            continue
        if index.sha256 == plan.genome.sha256:
            return genome, index
    return None


def _of_file(path: Path, sha256: str) -> Input:
    return Input(path, sha256, partial(digest_file, path))


def _check_bases(bases: Path, plan: Plan) -> str:
    """The genome's digest if the normalised FASTA has the planned bases; else UserError."""
    Bases(bases).check(plan.digests)
    return plan.genome.sha256


def _digest_weights(fold: FoldFile, plan: Plan) -> str:
    """Compute the digest of a fold; code of the user's own is not run."""
    from grelu_models.checkpoint import compute_digest  # imports torch

    return compute_digest(
        fold.weights,
        architecture=fold.architecture,
        activation=plan.model.activation or "logits",
        code=fold.code,
    )
