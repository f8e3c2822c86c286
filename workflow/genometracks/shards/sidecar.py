"""The sidecar of a shard: its bins, the plan's digest of it, and how its values were computed.

`{id}.json` is written last. A shard without a valid sidecar, or with another digest, does not
exist. A checksum of the sidecar's fields (`seal`) detects a damaged sidecar.
"""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from genometracks.common.deviation import Deviation
from genometracks.common.records import as_plain, from_plain, optional, save_record
from genometracks.plan.plan import Plan, Shard
from genometracks.shards.header import pack_header
from genometracks.shards.underflow import Underflow

FORMAT = 2
ALGORITHM = "xxh3_64"


@dataclass(frozen=True)
class Seams:
    """Differences between neighbouring windows at their borders, over bins that both predict.

    Attributes
    ----------
    bins : int
        Number of bins compared.
    difference, scale : list of float
        For each track, the mean absolute difference and the mean absolute value there.
    """

    bins: int
    difference: list[float]
    scale: list[float]


@dataclass(frozen=True)
class Notes:
    """How a shard's values were computed.

    Attributes
    ----------
    versions : dict, optional
        Versions of the packages that compute the values. Default is None.
    deviation : Deviation, optional
        Deviation from fp32 in the first batch. Default is None: fp32 was used.
    borders : Seams, optional
        Differences at the borders of what windows own, before blending. Default is None: no bin
        there is predicted by two windows. (`seams` of earlier versions, over all bins that two
        windows predict, is another measure and is ignored.)
    device : str
        Name of the device. Default is "".
    batch_size : int
        Windows computed at once: fewer than planned if memory was short. Default is 0.
    compiled : bool
        Whether a compiled model was used. Default is False.
    underflow : Underflow, optional
        Values that are too small for float16, if that is the dtype. Default is None: no such value.
    """

    versions: dict[str, str] | None = optional()
    deviation: Deviation | None = optional()
    borders: Seams | None = optional()
    device: str = ""
    batch_size: int = 0
    compiled: bool = False
    underflow: Underflow | None = optional()


@dataclass(frozen=True)
class Checksum:
    """Checksums of a shard's data.

    Attributes
    ----------
    algorithm : str
    rows : str, optional
        Hex digests of all tracks' rows, concatenated: with thousands of tracks, a list takes four
        times the time and memory. Default is None.
    of_rows : str, optional
        Hex digest of `rows`, given instead of `rows`. Default is None.
    """

    algorithm: str
    rows: str | None = optional()
    of_rows: str | None = optional()


@dataclass(frozen=True)
class Sidecar:
    """A shard's sidecar.

    Attributes
    ----------
    format : int
    shard : str
        Id of the shard.
    digest : str
        The plan's digest of the shard.
    dtype : str
        As in NumPy's headers, e.g. `<f4`.
    shape : (int, int)
        Tracks and bins.
    ranges : list of (contig, first bin, last bin)
        Half-open runs of bins, in genome order.
    checksum : Checksum
    notes : Notes
    bytes : int, optional
        Size of the data file, in merge.json only. Default is None.
    """

    format: int
    shard: str
    digest: str
    dtype: str
    shape: tuple[int, int]
    ranges: list[tuple[str, int, int]]
    checksum: Checksum
    notes: Notes
    bytes: int | None = optional()

    def condense(self, size: int) -> "Sidecar":
        """Replace the checksums per track by one, and add the size of the data file in bytes.

        The size of the result does not grow with the number of tracks.
        """
        rows = (self.checksum.rows or "").encode()
        checksum = Checksum(self.checksum.algorithm, of_rows=xxhash.xxh3_64_hexdigest(rows))
        return replace(self, checksum=checksum, bytes=size)


def shard_paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Paths of a shard's data and sidecar."""
    return folder / f"{name}.npy", folder / f"{name}.json"


def write_sidecar(path: Path, sidecar: Sidecar) -> None:
    """Write a sidecar with its seal, whole or not at all."""
    plain = as_plain(sidecar)
    save_record(path, {**plain, "seal": _seal(plain)})


def read_sidecar(folder: Path, plan: Plan, shard: Shard) -> Sidecar | None:
    """Read the sidecar of a shard; None if the shard is missing, stale or damaged.

    The size of the data is checked here, its content when it is read (`ShardReader`).
    """
    data, path = shard_paths(folder, shard.id)
    try:
        plain = json.loads(path.read_text())
        seal = plain.pop("seal")
        sidecar = from_plain(Sidecar, plain)
        bins = sum(last - first for _, first, last in sidecar.ranges)
        sound = (
            sidecar.format == FORMAT
            and sidecar.digest == shard.digest
            and seal == _seal(plain)
            and sidecar.shape == (len(plan.tracks), bins)
            and sidecar.dtype == np.dtype(plan.settings.dtype).str
            and _holds(data, sidecar)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return sidecar if sound else None


def _holds(data: Path, sidecar: Sidecar) -> bool:
    """Whether the data has the sidecar's header and size."""
    header = pack_header(sidecar.dtype, sidecar.shape)
    with open(data, "rb") as file:
        if file.read(len(header)) != header:
            return False
    tracks, bins = sidecar.shape
    return os.path.getsize(data) == len(header) + tracks * bins * np.dtype(sidecar.dtype).itemsize


def _seal(plain: dict[str, Any]) -> str:
    """Checksum of a sidecar's fields."""
    return xxhash.xxh3_64_hexdigest(json.dumps(plain, sort_keys=True).encode())
