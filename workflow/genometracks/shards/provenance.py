"""What the shards noted of their making, put together for the whole run."""

import numpy as np


def gather_notes(sidecars: list[dict]) -> dict:
    """Put the shards' notes together.

    Parameters
    ----------
    sidecars : list of dict
        From `merge.check_shards` or `merge.read_merged`; shards without a window noted nothing.

    Returns
    -------
    dict
        `devices`, `batch_sizes` (windows computed at once) and `compiled`: each value found, and
        the number of shards; `deviation` from fp32, of the shard in which it is the largest part
        of the largest value, or None; `seams`, means over all shards (see `SeamMeter.notes`), or
        None.
    """
    notes = [fields["notes"] for fields in sidecars if fields["shape"][1]]
    deviations = [note["deviation"] for note in notes if note.get("deviation")]
    return {
        "devices": _count(note["device"] for note in notes),
        "batch_sizes": _count(str(note["batch_size"]) for note in notes),
        "compiled": sum(note["compiled"] for note in notes),
        "deviation": max(deviations, key=express_deviation, default=None),
        "seams": _average([note["seams"] for note in notes if note.get("seams")]),
    }


def express_deviation(deviation: dict) -> float:
    """The largest difference from fp32 as a part of the largest value."""
    return deviation["largest"] / deviation["scale"] if deviation["scale"] else 0.0


def _count(values) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found


def _average(seams: list[dict]) -> dict | None:
    if not seams:
        return None
    weights = [seam["bins"] for seam in seams]
    means = {
        key: np.average([seam[key] for seam in seams], axis=0, weights=weights).tolist()
        for key in ("difference", "scale")
    }
    return {"bins": sum(weights), **means}
