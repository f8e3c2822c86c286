"""How the values of a run were computed: the notes of its shards, combined."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genometracks.common.deviation import Deviation
from genometracks.common.records import optional
from genometracks.shards.sidecar import Seams, Sidecar
from genometracks.shards.underflow import Underflow, combine_underflows


@dataclass(frozen=True)
class Provenance:
    """How the values of a run were computed.

    Attributes
    ----------
    devices, batch_sizes : dict
        Device, or number of windows computed at once -> number of shards.
    compiled : int
        Number of shards predicted by a compiled model.
    deviation : Deviation or None
        Deviation from fp32 in the shard in which it is largest, relative to the largest value;
        None if only fp32 was used.
    borders : Seams, optional
        Means over all shards. Default is None: not measured.
    underflow : Underflow, optional
        Sums over all shards. Default is None: no value is too small for the dtype.
    """

    devices: dict[str, int]
    batch_sizes: dict[str, int]
    compiled: int
    deviation: Deviation | None
    borders: Seams | None = optional()
    underflow: Underflow | None = optional()


def combine_notes(sidecars: Sequence[Sidecar]) -> Provenance:
    """Combine the shards' notes; shards without bins are skipped."""
    notes = [sidecar.notes for sidecar in sidecars if sidecar.shape[1]]
    deviations = [note.deviation for note in notes if note.deviation]
    return Provenance(
        devices=dict(Counter(note.device for note in notes)),
        batch_sizes=dict(Counter(str(note.batch_size) for note in notes)),
        compiled=sum(note.compiled for note in notes),
        deviation=max(deviations, key=lambda each: each.relative, default=None),
        borders=_average([note.borders for note in notes if note.borders]),
        underflow=combine_underflows([note.underflow for note in notes if note.underflow]),
    )


def _average(seams: list[Seams]) -> Seams | None:
    if not seams:
        return None
    weights = [each.bins for each in seams]

    def mean(values: list[list[float]]) -> list[float]:
        averaged: list[float] = np.average(values, axis=0, weights=weights).tolist()
        return averaged

    return Seams(
        sum(weights),
        mean([each.difference for each in seams]),
        mean([each.scale for each in seams]),
    )
