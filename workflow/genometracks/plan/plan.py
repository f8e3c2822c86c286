"""The plan of a run, as stored in plan.json: segments, windows and shards. `tile` makes it.

Windows are computed from the plan, never listed: they are runs on each contig's window grid,
numbered consecutively over the contigs, sorted by name. bigWig files require that order, so merging
is one pass over the shards.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genometracks.common.atomic import write_atomically
from genometracks.common.intervals import EMPTY
from genometracks.common.records import as_plain, from_plain, load_plain, optional
from genometracks.config.sections import Dtype, Precision
from genometracks.errors import UserError
from genometracks.inputs.check_record import check_contigs, check_geometry, check_range
from genometracks.inputs.model import FoldFile, check_folds
from genometracks.plan.check import check_placement, check_shards, check_tracks, count_windows
from genometracks.plan.geometry import Geometry
from genometracks.plan.segments import Runs, find_window_runs, own_bins
from genometracks.tracks.recipe import Recipe
from genometracks.tracks.table import RunTrack
from grelu_models.geometry import Geometry as ModelGeometry

FORMAT = 4


@dataclass(frozen=True)
class Shard:
    """A run of windows [first, last) that one job predicts.

    `digest` is the sha256 of everything that determines its values.
    """

    id: str
    first: int
    last: int
    digest: str

    @property
    def windows(self) -> int:
        """Number of windows."""
        return self.last - self.first


@dataclass(frozen=True)
class PlannedContig:
    """A contig: its length in bp and the sha256 of its normalised bases."""

    name: str
    length: int
    sha256: str


@dataclass(frozen=True)
class BedSource:
    """A BED file and its sha256."""

    bed: str
    sha256: str


@dataclass(frozen=True)
class PlannedGenome:
    """The genome of a plan; contigs are sorted by name.

    `ambiguous` is the number of letters for two or three bases (R, Y, ...), read as N.
    """

    name: str
    sha256: str
    contigs: tuple[PlannedContig, ...]
    regions: BedSource | None
    blacklist: BedSource | None
    ambiguous: int = optional(0)


@dataclass(frozen=True)
class PlannedModel:
    """The model of a plan: everything needed to load it, and the geometry of one forward pass."""

    folds: tuple[FoldFile, ...]
    digest: str
    activation: str | None
    train: dict[str, Any]
    geometry: ModelGeometry
    licence: str | None = optional()
    citation: str | None = optional()


@dataclass(frozen=True)
class Settings:
    """Other settings that affect the values."""

    batch_size: int
    precision: Precision
    compile: bool
    dtype: Dtype


@dataclass(frozen=True)
class Plan:
    """Everything that is predicted, and its division into shards.

    Attributes
    ----------
    genome : PlannedGenome
    model : PlannedModel
    geometry : Geometry
    tracks : tuple of RunTrack
        The tracks that the run writes.
    recipe : Recipe
        How they are computed.
    settings : Settings
    segments : dict
        Contig -> runs of bins [first, last) to predict: int64 array (n, 2), ascending, not
        touching each other.
    windows : int
        Number of windows.
    padded_bins : int
        Number of bins to predict whose window reads past the contig's ends.
    shards : tuple of Shard
    """

    genome: PlannedGenome
    model: PlannedModel
    geometry: Geometry
    tracks: tuple[RunTrack, ...]
    recipe: Recipe
    settings: Settings
    segments: dict[str, Runs]
    windows: int
    padded_bins: int
    shards: tuple[Shard, ...]

    def save(self, path: Path) -> None:
        """Write plan.json, whole or not at all."""
        plain = as_plain(self) | {"tracks": [track.as_row() for track in self.tracks]}
        with write_atomically(path) as file:
            file.write(json.dumps({"format": FORMAT, **plain}).encode() + b"\n")

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Read plan.json.

        Raises
        ------
        UserError
            If it is missing, damaged or written by another version of this program.
        """
        return load_plain(path, cls._of_plain, what="plan", version=FORMAT)

    @classmethod
    def _of_plain(cls, plain: dict[str, Any]) -> "Plan":
        tracks = [as_plain(RunTrack.of_row(row)) for row in plain["tracks"]]
        plan = from_plain(cls, plain | {"tracks": tracks})
        plan.check()
        return plan

    def check(self) -> None:
        """Raise ValueError if the parts do not agree; called when the file is loaded."""
        check_folds(self.model.folds)
        check_geometry(self.model.geometry)
        check_placement(self.geometry)
        check_range("batch_size", self.settings.batch_size, 1)
        check_tracks(self.tracks, self.recipe, channels=self.model.geometry.tracks)
        check_contigs(self.genome.contigs)
        windows, bins = count_windows(self.segments, self.lengths, self.geometry)
        check_range("windows", self.windows, windows, windows)
        check_range("padded_bins", self.padded_bins, 0, bins)
        check_shards(self.shards, windows=windows)

    @cached_property
    def lengths(self) -> dict[str, int]:
        """Contig -> length in bp, sorted by name."""
        return {contig.name: contig.length for contig in self.genome.contigs}

    @cached_property
    def digests(self) -> dict[str, str]:
        """Contig -> sha256 of its bases."""
        return {contig.name: contig.sha256 for contig in self.genome.contigs}

    @property
    def bins(self) -> int:
        """Number of bins to predict."""
        return sum(int(np.diff(rows).sum()) for rows in self.segments.values())

    @cached_property
    def _runs(self) -> tuple[npt.NDArray[np.int64], Runs, npt.NDArray[np.int64]]:
        """For each run: number of the contig, windows [first, last), number of the first window."""
        contigs, runs = number_windows(self.segments, self.geometry.owned)
        return contigs, runs, np.r_[0, np.cumsum(runs[:, 1] - runs[:, 0])]

    def _cut_runs(self, first: int, last: int) -> tuple[npt.NDArray[np.int64], Runs]:
        """The windows [first, last) as runs: number of the contig, and windows on its grid."""
        contigs, runs, numbers = self._runs
        low = max(int(np.searchsorted(numbers, first, side="right")) - 1, 0)
        high = int(np.searchsorted(numbers, last, side="left")) if first < last else low
        cut = runs[low:high].copy()
        if len(cut):
            cut[0, 0] += first - numbers[low]
            cut[-1, 1] -= numbers[high] - last
        return contigs[low:high], cut

    def window_runs(self, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        """Yield the windows [first, last) as (contig, first, last) on the contigs' own grids."""
        names = list(self.segments)
        contigs, runs = self._cut_runs(first, last)
        for contig, (begin, end) in zip(contigs.tolist(), runs.tolist(), strict=True):
            yield names[contig], begin, end

    def adjoins(self, number: int) -> bool:
        """Whether window `number` and the one before it are neighbours on their contig."""
        pair = range(max(number - 1, 0), min(number + 1, self.windows))
        return len(pair) == 2 and len(list(self.window_runs(pair.start, pair.stop))) == 1

    def placed_runs(self, first: int, last: int) -> Iterator[tuple[str, int, int, int]]:
        """Yield `window_runs` cut into (contig, first, last, shift).

        All windows of a run are moved by the same number of bins (see `Geometry.shifts`).
        """
        for contig, begin, end in self.window_runs(first, last):
            shifts = self.geometry.shifts(begin, end, length=self.lengths[contig])
            cuts = [0, *(np.flatnonzero(np.diff(shifts)) + 1).tolist(), end - begin]
            for low, high in zip(cuts, cuts[1:], strict=False):
                yield contig, begin + low, begin + high, int(shifts[low])

    def owned_bins(self, contig: str, first: int, last: int) -> list[tuple[int, int]]:
        """Runs of bins [first, last) that the windows [first, last) of a contig own."""
        owned = self.geometry.owned
        bins = own_bins(self.segments[contig], first * owned, last * owned)
        return [(begin, end) for begin, end in bins.tolist()]

    def shard_bins(self, shard: Shard) -> list[tuple[str, int, int]]:
        """Runs (contig, first bin, last bin) that a shard owns, not touching each other."""
        names = list(self.segments)
        found: list[tuple[str, int, int]] = []
        contigs, runs = self._cut_runs(shard.first, shard.last)
        turns = np.flatnonzero(np.diff(contigs, prepend=-1, append=-1)).tolist()
        for low, high in zip(turns, turns[1:], strict=False):
            # All bins between a contig's first window and its last one are the shard's.
            name = names[int(contigs[low])]
            bins = self.owned_bins(name, int(runs[low, 0]), int(runs[high - 1, 1]))
            found += [(name, begin, end) for begin, end in bins]
        return found

    def shard_contigs(self, shard: Shard) -> dict[str, str]:
        """Name -> sha256 of the contigs that a shard's windows read."""
        read = {contig for contig, _, _ in self.window_runs(shard.first, shard.last)}
        return {contig: digest for contig, digest in self.digests.items() if contig in read}

    def spread_windows(self, count: int) -> list[int]:
        """Numbers of up to `count` windows, evenly spread over the genome."""
        count = min(count, self.windows)
        return [(2 * i + 1) * self.windows // (2 * count) for i in range(count)]

    def shard(self, name: str) -> Shard:
        """The shard of an id.

        Raises
        ------
        UserError
            If the plan has no such shard.
        """
        found = next((shard for shard in self.shards if shard.id == name), None)
        if found is None:
            last = self.shards[-1].id
            raise UserError(f"shard {name!r} is not in the plan: use {self.shards[0].id} to {last}")
        return found


def number_windows(segments: dict[str, Runs], owned: int) -> tuple[npt.NDArray[np.int64], Runs]:
    """For every run of windows, in order: number of the contig, and windows [first, last)."""
    runs = [find_window_runs(rows, owned) for rows in segments.values()]
    contigs = np.repeat(np.arange(len(runs)), [len(found) for found in runs])
    return contigs, np.concatenate([EMPTY, *runs])
