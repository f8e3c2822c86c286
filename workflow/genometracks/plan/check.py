"""Checks of a plan that is loaded: its parts must agree, or the file is damaged.

Cheap enough for every job: one pass over the shards, arrays for everything that grows with the
genome. Each function raises ValueError.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np

from genometracks.common.intervals import EMPTY
from genometracks.inputs.check_record import check_indices, check_length, check_range
from genometracks.plan.geometry import Geometry
from genometracks.plan.segments import Runs
from genometracks.tracks.recipe import Recipe
from genometracks.tracks.table import RunTrack

STEM = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*")
"""A track's name in files (`tracks.table.safe_names`)."""


class Shard(Protocol):
    """What is checked of a shard: its id and its windows [first, last)."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def first(self) -> int:
        """Its first window."""

    @property
    def last(self) -> int:
        """The window after its last one."""


def check_placement(geometry: Geometry) -> None:
    """Check the window arithmetic of a run."""
    check_range("window", geometry.window, 1)
    check_range("bin", geometry.bin, 1)
    check_range("span", geometry.span, 1, geometry.bin)
    check_range("length", geometry.length, 1)
    check_range("lead", abs(geometry.lead), 0)
    check_range("trim", geometry.trim, 0)
    check_range("bins that a window owns", geometry.owned, 1)
    check_range("blend", geometry.blend, 0, geometry.trim)
    check_range("room", geometry.room or 0, 0, geometry.trim)


def check_tracks(tracks: Sequence[RunTrack], recipe: Recipe, *, channels: int) -> None:
    """Check the tracks, and how they are computed from a model of so many channels."""
    outputs = len(recipe.outputs)
    check_range("number of outputs", outputs, 1)
    check_length("tracks", tracks, 2 * outputs if recipe.sd else outputs)
    stems = [track.track for track in tracks]
    wrong = next((stem for stem in stems if not STEM.fullmatch(stem)), None)
    if wrong is not None:
        raise ValueError(f"track {wrong!r} is not a safe name")
    if len({stem.lower() for stem in stems}) < len(stems):
        raise ValueError("two tracks have the same name")
    check_indices("channel", recipe.channels, channels)
    if any(one >= other for one, other in pairwise(recipe.channels)):
        raise ValueError("channels are not ascending")
    _check_formulas(recipe)


def _check_formulas(recipe: Recipe) -> None:
    channels = len(recipe.channels)
    for formula in recipe.outputs:
        pair = formula.of not in ("mean", "sum")
        if not formula.members or bool(formula.control) != pair:
            raise ValueError(f"a track by {formula.of} lacks channels, or has too many")
        check_indices("member", formula.members, channels)
        check_indices("control", formula.control, channels)
    check_length("partners", recipe.partners, channels)
    check_indices("partner", recipe.partners or (), channels)
    if not recipe.shifts:
        raise ValueError("there are no shifts")
    if recipe.scale:
        check_length("scales", recipe.scale.scale, channels)
        check_length("clip_soft", recipe.scale.clip_soft, channels)
        check_length("sqrt", recipe.scale.sqrt, channels)
        if not all(0 < scale < np.inf for scale in recipe.scale.scale):
            raise ValueError("a scale is not a positive number")


def count_windows(
    segments: Mapping[str, Runs], lengths: Mapping[str, int], geometry: Geometry
) -> tuple[int, int]:
    """Count the windows and bins of the segments, which must be inside of their contigs."""
    names = sorted(lengths)
    if list(segments) != names:
        raise ValueError("the segments are not those of the contigs, sorted by name")
    rows = np.concatenate([EMPTY, *segments.values()])
    contigs = np.repeat(np.arange(len(names)), [len(each) for each in segments.values()])
    bins = -(-np.array([lengths[name] for name in names], np.int64) // geometry.bin)
    same = contigs[1:] == contigs[:-1]
    sound = (rows[:, 0] >= 0) & (rows[:, 0] < rows[:, 1]) & (rows[:, 1] <= bins[contigs])
    sound[1:] &= ~same | (rows[1:, 0] > rows[:-1, 1])
    if not sound.all():
        i = int(np.argmin(sound))
        raise ValueError(f"segment {rows[i].tolist()} of {names[contigs[i]]!r} is out of place")
    owned = geometry.owned
    first, last = rows[:, 0] // owned, -(-rows[:, 1] // owned)
    shared = np.maximum(last[:-1] - first[1:], 0)[same]  # two segments in one window
    return int((last - first).sum() - shared.sum()), int((rows[:, 1] - rows[:, 0]).sum())


def check_shards(shards: Sequence[Shard], *, windows: int) -> None:
    """Check that the shards are all windows, in order."""
    if not shards:
        raise ValueError("there are no shards")
    end = 0
    for shard in shards:
        if shard.first != end or shard.last < end:
            raise ValueError(f"shard {shard.id!r} does not continue at window {end}")
        end = shard.last
    if end != windows:
        raise ValueError(f"the shards end at window {end} of {windows}")
    ids = [shard.id for shard in shards]
    if len(set(ids)) < len(ids) or not all(re.fullmatch("[0-9]{1,9}", name) for name in ids):
        raise ValueError("the shards' ids are not different numbers")
