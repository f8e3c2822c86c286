"""Check of a plan that is loaded: its parts must agree, or the file is damaged.

Cheap enough for every job: one pass over the shards, arrays for everything that grows with the
genome.
"""

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from genometracks.common.intervals import EMPTY
from genometracks.inputs.check_record import (
    check_contigs,
    check_geometry,
    check_indices,
    check_length,
    check_range,
)
from genometracks.inputs.model import check_folds
from genometracks.plan.geometry import Geometry
from genometracks.tracks.recipe import Recipe

if TYPE_CHECKING:
    from genometracks.plan.plan import Plan

STEM = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*")
"""A track's name in files (`tracks.table.safe_names`)."""


def check_plan(plan: "Plan") -> None:
    """Raise ValueError if a plan's parts do not agree."""
    check_folds(plan.model.folds)
    check_geometry(plan.model.geometry)
    _check_placement(plan.geometry)
    check_range("batch_size", plan.settings.batch_size, 1)
    _check_tracks(plan)
    check_contigs(plan.genome.contigs)
    windows, bins = _count_windows(plan)
    check_range("windows", plan.windows, windows, windows)
    check_range("padded_bins", plan.padded_bins, 0, bins)
    _check_shards(plan)


def _check_placement(geometry: Geometry) -> None:
    check_range("window", geometry.window, 1)
    check_range("bin", geometry.bin, 1)
    check_range("span", geometry.span, 1, geometry.bin)
    check_range("length", geometry.length, 1)
    check_range("lead", abs(geometry.lead), 0)
    check_range("trim", geometry.trim, 0)
    check_range("bins that a window owns", geometry.owned, 1)
    check_range("blend", geometry.blend, 0, geometry.trim)
    check_range("room", geometry.room or 0, 0, geometry.trim)


def _check_tracks(plan: "Plan") -> None:
    recipe = plan.recipe
    outputs = len(recipe.outputs)
    check_range("number of outputs", outputs, 1)
    check_length("tracks", plan.tracks, 2 * outputs if recipe.sd else outputs)
    stems = [track.track for track in plan.tracks]
    wrong = next((stem for stem in stems if not STEM.fullmatch(stem)), None)
    if wrong is not None:
        raise ValueError(f"track {wrong!r} is not a safe name")
    if len({stem.lower() for stem in stems}) < len(stems):
        raise ValueError("two tracks have the same name")
    check_indices("channel", recipe.channels, plan.model.geometry.tracks)
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


def _count_windows(plan: "Plan") -> tuple[int, int]:
    """Windows and bins of the segments, which must be inside of their contigs."""
    names = [contig.name for contig in plan.genome.contigs]
    if list(plan.segments) != sorted(names):
        raise ValueError("the segments are not those of the contigs, sorted by name")
    rows = np.concatenate([EMPTY, *plan.segments.values()])
    contigs = np.repeat(np.arange(len(names)), [len(each) for each in plan.segments.values()])
    lengths = np.array([plan.lengths[name] for name in plan.segments], np.int64)
    bins = -(-lengths // plan.geometry.bin)
    same = contigs[1:] == contigs[:-1]
    sound = (rows[:, 0] >= 0) & (rows[:, 0] < rows[:, 1]) & (rows[:, 1] <= bins[contigs])
    sound[1:] &= ~same | (rows[1:, 0] > rows[:-1, 1])
    if not sound.all():
        i = int(np.argmin(sound))
        name = list(plan.segments)[contigs[i]]
        raise ValueError(f"segment {rows[i].tolist()} of {name!r} is out of place")
    owned = plan.geometry.owned
    first, last = rows[:, 0] // owned, -(-rows[:, 1] // owned)
    shared = np.maximum(last[:-1] - first[1:], 0)[same]  # two segments in one window
    return int((last - first).sum() - shared.sum()), int((rows[:, 1] - rows[:, 0]).sum())


def _check_shards(plan: "Plan") -> None:
    if not plan.shards:
        raise ValueError("there are no shards")
    end = 0
    for shard in plan.shards:
        if shard.first != end or shard.last < end:
            raise ValueError(f"shard {shard.id!r} does not continue at window {end}")
        end = shard.last
    if end != plan.windows:
        raise ValueError(f"the shards end at window {end} of {plan.windows}")
    ids = [shard.id for shard in plan.shards]
    if len(set(ids)) < len(ids) or not all(re.fullmatch("[0-9]{1,9}", name) for name in ids):
        raise ValueError("the shards' ids are not different numbers")
