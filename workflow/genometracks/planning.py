"""From what the earlier stages found, and the settings, to the plan. Needs no torch."""

import sys
from pathlib import Path

from genometracks.bed import Bed, read_bed
from genometracks.errors import UserError
from genometracks.genome import GenomeIndex
from genometracks.geometry import place_windows
from genometracks.plan import Plan
from genometracks.tile import make_plan
from genometracks.tracks import describe_tracks

OF_MODEL = ("weights", "digest", "architecture", "activation", "train")
OF_WINDOWS = ("stride", "trim", "blend", "edges")
OF_NUMBERS = ("batch_size", "precision", "compile", "dtype")


def plan_run(settings: dict, model: dict, genome: GenomeIndex, *, found: dict) -> Plan:
    """Plan a run.

    Parameters
    ----------
    settings : dict
        `batch_size`, `precision`, `compile`, `stride`, `trim`, `blend`, `edges`, `tracks`, `dtype`,
        `regions`, `blacklist`, `shards`.
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
    return make_plan(
        genome,
        {key: model[key] for key in OF_MODEL},
        geometry=place_windows(measured, **{key: settings[key] for key in OF_WINDOWS}),
        tracks=describe_tracks(model["tracks"], settings["tracks"]),
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
