"""The plan: segments, windows and shards of a run, as plan.json holds them (`tile` makes it).

Windows are computed from the plan, never listed: they are runs on each contig's window grid,
numbered through the contigs in the order of their names, which is the order that bigWig files
must have, so that merging is one pass through the shards.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np

from genometracks.common.atomic import write_atomically
from genometracks.common.intervals import EMPTY
from genometracks.errors import UserError
from genometracks.plan.geometry import Geometry, find_window_runs, own_bins

FORMAT = 4


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
        `digest` (weights, architecture, activation), `folds` (everything to load them) and
        `geometry`, of one forward pass.
    geometry : Geometry
    tracks : list of dict
        The run's tracks (see `make_recipe`).
    recipe : dict
        How they are computed (see `make_recipe`).
    settings : dict
        What else changes numbers: batch_size, precision, compile, dtype.
    segments : dict
        Contig -> bins [first, last) that shall be predicted: int64 array (n, 2), ascending, not
        touching each other.
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
    recipe: dict
    settings: dict
    segments: dict[str, np.ndarray]
    windows: int
    padded_bins: int
    shards: list[Shard]

    def save(self, path: Path) -> None:
        """Write plan.json, whole or not at all."""
        with write_atomically(path) as file:
            file.write(json.dumps({"format": FORMAT, **self._as_json()}).encode() + b"\n")

    def _as_json(self) -> dict:
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["geometry"] = asdict(self.geometry)
        plain["shards"] = [asdict(shard) for shard in self.shards]
        plain["segments"] = {contig: rows.tolist() for contig, rows in self.segments.items()}
        return plain

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Read plan.json.

        Raises
        ------
        UserError
            If it is missing or of another version of this program.
        """
        try:
            plain = json.loads(Path(path).read_text())
            if plain.pop("format") != FORMAT:
                raise ValueError("another format version")
            plain["geometry"] = Geometry(**plain["geometry"])
            plain["shards"] = [Shard(**shard) for shard in plain["shards"]]
            plain["segments"] = {
                contig: np.array(rows, np.int64).reshape(-1, 2)
                for contig, rows in plain["segments"].items()
            }
            return cls(**plain)
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
        return sum(int(np.diff(rows).sum()) for rows in self.segments.values())

    @cached_property
    def _runs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each run: the contig's number, windows [first, last), the first window's number."""
        contigs, runs = number_windows(self.segments, self.geometry.owned)
        return contigs, runs, np.r_[0, np.cumsum(runs[:, 1] - runs[:, 0])]

    def _cut_runs(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """The windows [first, last), as runs: the contig's number, and windows on its grid."""
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
        """Runs (contig, first bin, last bin) that a shard owns, none of which touch."""
        names, found = list(self.segments), []
        contigs, runs = self._cut_runs(shard.first, shard.last)
        turns = np.flatnonzero(np.diff(contigs, prepend=-1, append=-1)).tolist()
        for low, high in zip(turns, turns[1:], strict=False):
            # Between a contig's first window and its last one, all bins are the shard's.
            name = names[contigs[low]]
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
        """The shard of that id."""
        return next(shard for shard in self.shards if shard.id == name)


def number_windows(segments: dict[str, np.ndarray], owned: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every run of windows, in order: the contig's number, and windows [first, last)."""
    runs = [find_window_runs(rows, owned) for rows in segments.values()]
    contigs = np.repeat(np.arange(len(runs)), [len(found) for found in runs])
    return contigs, np.concatenate([EMPTY, *runs])
