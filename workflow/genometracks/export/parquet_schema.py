"""Columns of the Parquet table, and the metadata that states what a file and its columns are."""

import pyarrow as pa

from genometracks.plan.plan import Plan
from genometracks.tracks.table import RunTrack

LONGEST = 500
"""Characters of a description; every file of the table contains it, and tracks.tsv all of it."""


def make_schema(plan: Plan, columns: list[str], *, rows: range, run: str) -> pa.Schema:
    """Make the schema of the files of some tracks: `start`, and a column for each track.

    The metadata of a column is its `track` (file stem), `name` and `description`; that of the file
    is `run`, `genome`, `bin` and `span` (bp), and `scale` (`model` or `counts`).

    Parameters
    ----------
    plan : Plan
    columns : list of str
        One per track of the plan.
    rows : range
        The tracks of the file, as positions in `plan.tracks`.
    run : str
        Name of the run.
    """
    fields = [pa.field("start", pa.int64(), metadata={"description": "bp, 0-based"})]
    fields += [
        pa.field(columns[row], pa.float32(), metadata=_describe(plan.tracks[row])) for row in rows
    ]
    about = {
        "run": run,
        "genome": plan.genome.name,
        "bin": str(plan.geometry.bin),
        "span": str(plan.geometry.span),
        "scale": "counts" if plan.recipe.scale else "model",
    }
    return pa.schema(fields, metadata=_encode(about))


def add_contig(schema: pa.Schema, contig: str) -> pa.Schema:
    """Return the schema of a contig's file: its metadata states the `contig`, too."""
    return schema.with_metadata({**schema.metadata, **_encode({"contig": contig})})


def _describe(track: RunTrack) -> dict[bytes, bytes]:
    description = str(track.description)
    if len(description) > LONGEST:
        description = description[: LONGEST - 3] + "..."
    return _encode({"track": track.track, "name": track.name, "description": description})


def _encode(metadata: dict[str, str]) -> dict[bytes, bytes]:
    """As UTF-8, where halves of surrogate pairs are escaped."""
    return {
        key.encode(): value.encode("utf-8", "backslashreplace") for key, value in metadata.items()
    }
