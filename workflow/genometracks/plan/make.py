"""The plan of a run, from its settings and what the earlier stages found. Needs no torch."""

import logging
from pathlib import Path
from typing import cast

from genometracks.config.settings import PlanSettings, Precision
from genometracks.errors import UserError
from genometracks.inputs.bed import Bed, read_bed
from genometracks.inputs.genome import GenomeIndex
from genometracks.inputs.model import ModelFile
from genometracks.plan.geometry import place_windows
from genometracks.plan.plan import Plan, PlannedModel, Settings
from genometracks.plan.probe_file import Probe
from genometracks.plan.tile import Scope, cut_shards, cut_timed_shards, tile_genome
from genometracks.tracks.recipe import make_recipe

log = logging.getLogger(__name__)


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
        What was determined for settings that are `auto`.

    Raises
    ------
    UserError
        If a setting is still `auto`, if the settings do not suit the model or the genome, or if a
        BED file cannot be read.
    """
    numbers = _settle(settings, found)
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
    )
    plan = tile_genome(
        Scope(
            genome,
            _read_intervals(settings.regions, "genome.regions", genome),
            _read_intervals(settings.blacklist, "genome.blacklist", genome),
        ),
        model=PlannedModel(model.folds, model.digest, model.activation, model.train, measured),
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
        settings=numbers,
    )
    if seconds is not None and settings.shards == "auto":
        return cut_timed_shards(plan, seconds)
    return cut_shards(plan, cast(int, settings.shards))


def _settle(settings: PlanSettings, found: Probe | None) -> Settings:
    """The settings that change numbers, each given by the config or by the probe."""
    size, precision = settings.batch_size, settings.precision
    if found:
        size, precision = found.batch_size or size, cast(Precision, found.precision) or precision
    if size == "auto":
        raise _refuse_open("prediction.batch_size")
    if precision == "auto":
        raise _refuse_open("prediction.precision")
    return Settings(size, precision, settings.compile, settings.dtype)


def _refuse_open(key: str) -> UserError:
    return UserError(f"{key}: is auto, and no probe determined it: run again")


def _read_intervals(path: str | None, key: str, genome: GenomeIndex) -> Bed | None:
    """The BED file of a key, or None; intervals on contigs that are not predicted are counted."""
    if not path:
        return None
    lengths = {contig.name: contig.length for contig in genome.contigs}
    bed = read_bed(Path(path), key=key, lengths=lengths)
    if bed.elsewhere:
        log.info("%s: intervals on contigs that are not predicted: %s", key, f"{bed.elsewhere:,}")
    return bed
