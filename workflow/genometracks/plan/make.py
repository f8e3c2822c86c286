"""From what the earlier stages found, and the settings, to the plan. Needs no torch."""

import sys
from pathlib import Path

from genometracks.errors import UserError
from genometracks.inputs.bed import Bed, read_bed
from genometracks.inputs.genome import GenomeIndex
from genometracks.plan.geometry import place_windows
from genometracks.plan.plan import Plan
from genometracks.plan.tile import make_plan
from genometracks.tracks.recipe import make_recipe

OF_MODEL = ("folds", "digest", "activation", "train")
OF_WINDOWS = ("stride", "trim", "blend", "edges", "shifts")
OF_NUMBERS = ("batch_size", "precision", "compile", "dtype")


def plan_run(settings: dict, model: dict, genome: GenomeIndex, *, found: dict) -> Plan:
    """Plan a run.

    Parameters
    ----------
    settings : dict
        `batch_size`, `precision`, `compile`, `stride`, `trim`, `blend`, `edges`, `dtype`,
        `regions`, `blacklist`, `shards`, and those of the recipe (see `make_recipe`).
    model : dict
        model.json.
    genome : GenomeIndex
    found : dict
        From the probe: `geometry`, `batch_size`, `precision` and `seconds` a window, where the
        settings leave them, or the number of shards, open.

    Raises
    ------
    UserError
        If a setting is still open, if they do not suit the model or the genome, or if a BED file
        cannot be read.
    """
    shaping = {key: found.get(key, settings[key]) for key in OF_NUMBERS}
    open_keys = [f"prediction.{key}" for key, value in shaping.items() if value == "auto"]
    timed = settings["shards"] == "auto"
    if timed and "seconds" not in found:
        open_keys.append("shards")
    for key in open_keys:
        raise UserError(f"{key}: left to auto, and no probe found it: run again")
    measured = found.get("geometry", model["geometry"])
    tracks, recipe = make_recipe(model, settings)
    return make_plan(
        genome,
        {**{key: model[key] for key in OF_MODEL}, "geometry": measured},
        geometry=place_windows(measured, **{key: settings[key] for key in OF_WINDOWS}),
        tracks=tracks,
        recipe=recipe,
        settings=shaping,
        shards=None if timed else settings["shards"],
        seconds=found["seconds"] if timed else None,
        **{key: _read_intervals(settings, key, genome) for key in ("regions", "blacklist")},
    )


def _read_intervals(settings: dict, name: str, genome: GenomeIndex) -> Bed | None:
    """The BED of that name, or None; a note where some of it lies on contigs that are not there."""
    if not settings[name]:
        return None
    key, lengths = f"genome.{name}", {contig.name: contig.length for contig in genome.contigs}
    bed = read_bed(Path(settings[name]), key=key, lengths=lengths)
    if bed.elsewhere:
        note = f"{key}: intervals on contigs that are not predicted: {bed.elsewhere:,}"
        print(note, file=sys.stderr)
    return bed
