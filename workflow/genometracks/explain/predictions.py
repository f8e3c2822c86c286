"""How many shards of a run are predicted again, by the digests of a plan made without running."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from genometracks.config.settings import (
    choose_forward_settings,
    choose_plan_settings,
)
from genometracks.errors import UserError
from genometracks.graph.runs import Run
from genometracks.inputs.fasta import read_names
from genometracks.inputs.genome import GenomeIndex, matches_pattern, name_genome
from genometracks.inputs.model import ModelFile
from genometracks.plan.make import make_plan
from genometracks.plan.plan import Plan
from genometracks.plan.probe_file import digest_probe, find_probe
from genometracks.shards.sidecar import read_sidecar
from grelu_models.errors import ModelError


@dataclass(frozen=True)
class Foreseen:
    """The shards of a plan that is made before the run.

    Attributes
    ----------
    shards : int
        Number of shards.
    again : int
        Shards that must be predicted: those without a valid file.
    """

    shards: int
    again: int

    @property
    def text(self) -> str:
        """The numbers in words."""
        if not self.again:
            return f"0 of {self.shards:,} shards are predicted again: all files are still valid"
        return f"{self.again:,} of {self.shards:,} shards are predicted"


def foresee_shards(
    run: Run, stages: Collection[str], *, changed: Collection[Path]
) -> Foreseen | str:
    """Count the shards that are predicted again.

    Parameters
    ----------
    run : Run
    stages : collection of str
        Stages that run again.
    changed : collection of Path
        Files of the run's inputs whose content changed.

    Returns
    -------
    Foreseen or str
        Why it is not known, as text, if the plan depends on a result of a stage that runs first.
    """
    try:
        plan = _make_plan(run, stages, changed)
    except (UserError, ModelError) as error:
        return f"the plan cannot be made: {error}"
    if isinstance(plan, str):
        return plan
    again = sum(read_sidecar(run.folder.shards, plan, shard) is None for shard in plan.shards)
    return Foreseen(len(plan.shards), again)


def _make_plan(run: Run, stages: Collection[str], changed: Collection[Path]) -> Plan | str:
    """The plan that the run will have; text if it is not known yet."""
    if "plan" not in stages:
        return Plan.load(run.folder.plan)
    if "model" in stages and (not run.model.json.exists() or _has_changed(run, changed)):
        return "which shards are predicted is known once the model is described"
    if not run.genome.json.exists():
        return "which shards are predicted is known once the genome is read"
    genome = _foresee_genome(run)
    if genome is None:
        return (
            "which shards are predicted is known once the genome is read: those that read a contig "
            "whose bases changed, or a new one"
        )
    model = ModelFile.load(run.model.json)
    forward, found = choose_forward_settings(run.config), None
    if forward.open:
        digest = digest_probe(forward, model, device=run.config.prediction.device)
        found = find_probe(run.folder.probe, digest)
        if found is None:
            return "which shards are predicted is known once settings at auto are measured"
    with _silence():
        return make_plan(choose_plan_settings(run.config), model, genome, found=found)


def _has_changed(run: Run, changed: Collection[Path]) -> bool:
    """Whether the description of the model will differ, as far as is known: in doubt, it will."""
    weights = ModelFile.load(run.model.json).folds
    same = [fold.weights for fold in weights] == run.sources.weights
    return not same or any(Path(file) in changed for file in run.sources.weights)


def _foresee_genome(run: Run) -> GenomeIndex | None:
    """The index that the genome will have, if the earlier one contains it."""
    fasta = Path(run.sources.fasta)
    index = GenomeIndex.load(run.genome.json)
    if not fasta.is_file():
        return None
    names, digest = read_names(fasta)
    patterns = run.config.genome.contigs
    chosen = [name for name in names if matches_pattern(name, patterns)]
    contigs = {contig.name: contig for contig in index.contigs}
    if digest != index.sha256 or not set(chosen) <= set(contigs):
        return None
    name = name_genome(run.config.genome.name, fasta)
    return replace(index, name=name, contigs=tuple(contigs[each] for each in chosen))


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the messages of the stage `plan` back, which shows them when it runs."""
    logger = logging.getLogger("genometracks")
    former = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(former)
