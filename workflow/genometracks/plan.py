"""The plan: segments, windows and shards of a run, as plan.json holds them (`tile` makes it).

Windows are computed from the plan, never listed: they are runs on each contig's window grid,
numbered through the contigs in the order of their names, which is the order that bigWig files
must have, so that merging is one pass through the shards.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from genometracks.errors import UserError
from genometracks.files import write_atomically
from genometracks.geometry import Geometry, find_window_runs, own_bins

FORMAT = 3


@dataclass(frozen=True)
class Shard:
    """A run of windows [first, last) that one job predicts; `digest` is of all that shapes it."""

    id: str
    first: int
    last: int
    digest: str


@dataclass(frozen=True)
class Plan:
    """What shall be predicted, and how it is cut.

    Attributes
    ----------
    genome : dict
        `name`, `sha256`, and `contigs`: name, length, sha256 of each, sorted by name; `regions`
        and `blacklist`: path and sha256 of their files, or None.
    model : dict
        `digest` (weights, architecture, activation), `weights` and everything to load them.
    geometry : Geometry
    tracks : list of dict
        The selected tracks (see `tracks.describe_tracks`).
    settings : dict
        What else changes numbers: batch_size, precision, dtype.
    segments : dict
        Contig -> bins [first, last) that shall be predicted, ascending.
    windows : int
        Number of windows.
    padded_bins : int
        Bins, of those, whose window reads past the contig's ends.
    shards : list of Shard
    """

    genome: dict
    model: dict
    geometry: Geometry
    tracks: list[dict]
    settings: dict
    segments: dict[str, list[list[int]]]
    windows: int
    padded_bins: int
    shards: list[Shard]

    def save(self, path: Path) -> None:
        """Write plan.json, whole or not at all."""
        with write_atomically(path) as file:
            file.write(json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode() + b"\n")

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Read plan.json.

        Raises
        ------
        UserError
            If it is missing or of another version of this program.
        """
        try:
            fields = json.loads(Path(path).read_text())
            if fields.pop("format") != FORMAT:
                raise ValueError("another format version")
            geometry = Geometry(**fields.pop("geometry"))
            shards = [Shard(**shard) for shard in fields.pop("shards")]
            return cls(geometry=geometry, shards=shards, **fields)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: no usable plan ({error}): delete it and run again") from error

    @cached_property
    def lengths(self) -> dict[str, int]:
        """Contig -> length in bp, sorted by name."""
        return {contig["name"]: contig["length"] for contig in self.genome["contigs"]}

    @cached_property
    def digests(self) -> dict[str, str]:
        """Contig -> sha256 of its bases."""
        return {contig["name"]: contig["sha256"] for contig in self.genome["contigs"]}

    @property
    def bins(self) -> int:
        """Number of bins that shall be predicted."""
        return sum(last - first for rows in self.segments.values() for first, last in rows)

    @cached_property
    def _runs(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Contig, windows [first, last) and number of the first window, of each run."""
        contigs, runs = number_windows(self.segments, self.geometry.owned)
        return contigs, runs, np.r_[0, np.cumsum(runs[:, 1] - runs[:, 0])]

    @cached_property
    def _segments(self) -> dict[str, np.ndarray]:
        return {
            contig: np.array(rows, np.int64).reshape(-1, 2)
            for contig, rows in self.segments.items()
        }

    def window_runs(self, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        """Yield the windows [first, last) as (contig, first, last) on the contigs' own grids."""
        contigs, runs, numbers = self._runs
        low = int(np.searchsorted(numbers, first, side="right")) - 1
        for i in range(max(low, 0), len(contigs)):
            if numbers[i] >= last:
                return
            begin = runs[i, 0] + max(first - numbers[i], 0)
            end = runs[i, 1] - max(numbers[i + 1] - last, 0)
            yield contigs[i], int(begin), int(end)

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
        bins = own_bins(self._segments[contig], first * owned, last * owned)
        return [(begin, end) for begin, end in bins.tolist()]

    def shard_bins(self, shard: Shard) -> list[tuple[str, int, int]]:
        """Runs (contig, first bin, last bin) that a shard owns, touching runs joined."""
        joined: list[list] = []
        for contig, first, last in self.window_runs(shard.first, shard.last):
            for begin, end in self.owned_bins(contig, first, last):
                if joined and joined[-1][0] == contig and joined[-1][2] == begin:
                    joined[-1][2] = end
                else:
                    joined.append([contig, begin, end])
        return [(contig, begin, end) for contig, begin, end in joined]

    def shard(self, name: str) -> Shard:
        """The shard of that id."""
        return next(shard for shard in self.shards if shard.id == name)


def number_windows(
    segments: dict[str, list[list[int]]], owned: int
) -> tuple[list[str], np.ndarray]:
    """Contig and windows [first, last) of every run of windows, in order."""
    contigs: list[str] = []
    runs = [np.empty((0, 2), np.int64)]
    for contig, rows in segments.items():
        found = find_window_runs(np.array(rows, np.int64).reshape(-1, 2), owned)
        contigs += [contig] * len(found)
        runs.append(found)
    return contigs, np.concatenate(runs)
