"""The plan of a run, from its settings and the results of earlier stages. Needs no torch."""

import logging
from pathlib import Path

from genometracks.config.settings import PlanSettings
from genometracks.errors import UserError
from genometracks.inputs.bed import Bed, read_bed
from genometracks.inputs.genome import GenomeIndex
from genometracks.inputs.model import ModelFile
from genometracks.plan.geometry import place_windows
from genometracks.plan.plan import Plan, PlannedModel, Settings
from genometracks.plan.probe_file import Probe
from genometracks.plan.tile import Scope, cut_shards, cut_timed_shards, tile_genome
from genometracks.tracks.recipe import make_recipe

LOG = logging.getLogger(__name__)


def make_plan(
    settings: PlanSettings, model: ModelFile, genome: GenomeIndex, *, found: Probe | None = None
) -> Plan:
    """Plan a run.

    Parameters
    ----------
    settings : PlanSettings
    model : ModelFile
    genome : GenomeIndex
    found : Probe, optional
        Values of settings that are left at `auto`. Default is None.

    Raises
    ------
    UserError
        If a setting is left at `auto` and was not determined, if the settings do not fit the model
        or the genome, or if a BED file cannot be read.
    """
    determining = _settle(settings, found)
    seconds = found.seconds if found else None
    if settings.shards == "auto" and seconds is None:
        raise _refuse_open("shards")
    measured = found.geometry if found else model.geometry
    tracks, recipe = make_recipe(
        model.tracks,
        settings,
        partners=model.strand_partners,
        activation=model.activation,
        folds=len(model.folds),
        refusal=model.refusal,
        scale=model.scale,
    )
    plan = tile_genome(
        Scope(
            genome,
            _read_intervals(settings.regions, "genome.regions", genome),
            _read_intervals(settings.blacklist, "genome.blacklist", genome),
        ),
        model=PlannedModel(
            folds=model.folds,
            digest=model.digest,
            activation=model.activation,
            train=model.train,
            geometry=measured,
            licence=model.licence,
            citation=model.citation,
        ),
        geometry=place_windows(
            measured,
            stride=settings.stride,
            trim=settings.trim,
            blend=settings.blend,
            edges=settings.edges,
            shifts=settings.shifts,
        ),
        tracks=tracks,
        recipe=recipe,
        settings=determining,
    )
    if settings.shards == "auto":
        assert seconds is not None, "refused above"
        return cut_timed_shards(plan, seconds)
    return cut_shards(plan, settings.shards)


def _settle(settings: PlanSettings, found: Probe | None) -> Settings:
    """The settings that affect values, each from the probe or the config."""
    size, precision = settings.batch_size, settings.precision
    if found:
        size, precision = found.batch_size or size, found.precision or precision
    if size == "auto":
        raise _refuse_open("prediction.batch_size")
    if precision == "auto":
        raise _refuse_open("prediction.precision")
    return Settings(size, precision, settings.compile, settings.dtype)


def _refuse_open(key: str) -> UserError:
    return UserError(f"{key}: left at auto, and no probe determined it: run again")


def _read_intervals(path: str | None, key: str, genome: GenomeIndex) -> Bed | None:
    """Read the BED file of a key, if any; intervals on contigs not predicted are ignored."""
    if not path:
        return None
    lengths = {contig.name: contig.length for contig in genome.contigs}
    bed = read_bed(Path(path), key=key, lengths=lengths)
    if bed.elsewhere:
        LOG.info("%s: intervals on contigs that are not predicted: %s", key, f"{bed.elsewhere:,}")
    return bed
