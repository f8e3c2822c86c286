"""The data of a shard: written atomically, read back in pieces, and verified.

`{id}.npy` is a C-order array (tracks, bins) with its bins in genome order. The sidecar lists these
bins and an xxh3 checksum of every track's row.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from genometracks.common.atomic import write_atomically
from genometracks.errors import ShardError, UserError
from genometracks.plan.plan import Plan, Shard
from genometracks.shards.header import pack_header
from genometracks.shards.sidecar import (
    ALGORITHM,
    FORMAT,
    Checksum,
    Notes,
    Sidecar,
    shard_paths,
    write_sidecar,
)
from genometracks.shards.underflow import UnderflowMeter

HEX = 16
"""Digits of a checksum."""
PIECE, PIECE_VALUES = 1 << 15, 1 << 22
"""Bins, and bins x tracks, read at once."""
FLOAT16_MAX = float(np.finfo(np.float16).max)

Values = npt.NDArray[np.floating[Any]]
"""float16 or float32."""


def write_shard(
    folder: Path,
    plan: Plan,
    shard: Shard,
    *,
    pieces: Iterable[Values],
    notes: Callable[[], Notes],
) -> None:
    """Write a shard from consecutive pieces of its bins.

    Parameters
    ----------
    folder : Path
    plan : Plan
    shard : Shard
    pieces : iterable of float32 arrays (tracks, n)
        In genome order; together, all bins that the shard owns.
    notes : callable
        Returns how the values were computed; called after the last piece.

    Raises
    ------
    UserError
        If a value is not finite or exceeds the range of float16 (the message names track and
        locus), or if the disk is full. No file of the shard is left then.
    """
    data, beside = shard_paths(folder, shard.id)
    ranges = plan.shard_bins(shard)
    dtype = np.dtype(plan.settings.dtype)
    shape = (len(plan.tracks), sum(last - first for _, first, last in ranges))
    hashes = [xxhash.xxh3_64() for _ in range(shape[0])]
    meter = UnderflowMeter(shape[0]) if dtype == np.float16 else None
    header = pack_header(dtype.str, shape)
    with write_atomically(data) as file:
        # An existing shard is stale or damaged. Deleting its sidecar invalidates it.
        beside.unlink(missing_ok=True)
        file.write(header)
        file.flush()
        start, row = len(header), shape[1] * dtype.itemsize
        os.truncate(file.fileno(), start + shape[0] * row)
        done = 0
        for piece in pieces:
            _check_range(piece, plan, ranges=ranges, offset=done)
            values = np.ascontiguousarray(piece, dtype)
            if meter:
                meter.add(piece, values)
            for track, digest in enumerate(hashes):
                digest.update(values[track])
                _write_at(file.fileno(), values[track], start + track * row + done * dtype.itemsize)
            done += values.shape[1]
        if done != shape[1]:
            raise RuntimeError(f"shard {shard.id}: {done} bins predicted, {shape[1]} owned")
    rows = "".join(digest.hexdigest() for digest in hashes)
    sidecar = Sidecar(
        format=FORMAT,
        shard=shard.id,
        digest=shard.digest,
        dtype=dtype.str,
        shape=shape,
        ranges=ranges,
        checksum=Checksum(ALGORITHM, rows=rows),
        notes=replace(notes(), underflow=meter.measured()) if meter else notes(),
    )
    write_sidecar(beside, sidecar)


def _write_at(descriptor: int, values: Values, offset: int) -> None:
    """Write all bytes at an offset; one call may write only a part of them."""
    rest = values.data.cast("B")
    while len(rest):
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _read_at(descriptor: int, values: Values, offset: int) -> bool:
    """Fill an array from an offset; False if the file is too short."""
    rest = values.data.cast("B")
    while len(rest):
        count = os.preadv(descriptor, [rest], offset)
        if not count:
            return False
        rest, offset = rest[count:], offset + count
    return True


def _check_range(
    piece: Values, plan: Plan, *, ranges: Sequence[tuple[str, int, int]], offset: int
) -> None:
    """Refuse values that are not finite or exceed the shard's dtype."""
    half = plan.settings.dtype == "float16"
    good = np.abs(piece) <= FLOAT16_MAX if half else np.isfinite(piece)
    if good.all():
        return
    track, column = np.argwhere(~good)[0].tolist()
    value, position = piece[track, column], offset + column
    contig, start, end = _locate(plan, ranges, position)
    locus = f"track {plan.tracks[track].name!r} is {value} at {contig}:{start}-{end}"
    if np.isfinite(value):
        raise UserError(f"{locus}, beyond float16: set output.dtype to float32")
    outputs = plan.recipe.outputs  # followed by their standard deviations, in the same order
    if "ratio" in outputs[track % len(outputs)].of:
        raise UserError(f"{locus}: set its pseudocount in output.pairs")
    raise UserError(f"{locus}: check the model's weights, or prediction.precision: fp32")


def _locate(
    plan: Plan, ranges: Sequence[tuple[str, int, int]], position: int
) -> tuple[str, int, int]:
    """Contig, start and end (bp) of the bin at a position in a shard."""
    for contig, first, last in ranges:
        if position < last - first:
            start = (first + position) * plan.geometry.bin
            return contig, start, min(start + plan.geometry.span, plan.lengths[contig])
        position -= last - first
    raise IndexError(position)


def size_pieces(tracks: int) -> int:
    """Bins of so many tracks that are read at once, which bounds the memory for any shard."""
    return max(1, min(PIECE, PIECE_VALUES // max(tracks, 1)))


class ShardReader:
    """Reader of some rows of a shard, in consecutive pieces; verifies the checksums at the end.

    Parameters
    ----------
    folder : Path
    sidecar : Sidecar
        From `read_sidecar`.
    rows : range
        Tracks to read.
    """

    def __init__(self, folder: Path, sidecar: Sidecar, *, rows: range) -> None:
        self._path = shard_paths(folder, sidecar.shard)[0]
        self._sidecar, self._rows = sidecar, rows

    def pieces(self, size: int) -> Iterator[Values]:
        """Yield arrays (rows, up to `size`) of consecutive bins.

        Raises
        ------
        ShardError
            After the last piece, if the data changed since they were written.
        """
        bins, dtype = self._sidecar.shape[1], np.dtype(self._sidecar.dtype)
        hashes = [xxhash.xxh3_64() for _ in self._rows]
        with open(self._path, "rb", buffering=0) as file:
            start = len(pack_header(self._sidecar.dtype, self._sidecar.shape))
            for begin in range(0, bins, size):
                values = np.empty((len(self._rows), min(size, bins - begin)), dtype)
                # Whole rows are contiguous in the file: one read for all of them.
                parts = [values] if len(values[0]) == bins else list(values)
                for row, part in zip(self._rows, parts, strict=False):
                    offset = start + (row * bins + begin) * dtype.itemsize
                    if not _read_at(file.fileno(), part, offset):
                        raise self._damaged()
                for digest, written in zip(hashes, values, strict=True):
                    digest.update(written)
                yield values
        expected = self._sidecar.checksum.rows or ""
        for digest, row in zip(hashes, self._rows, strict=True):
            if digest.hexdigest() != expected[HEX * row : HEX * (row + 1)]:
                raise self._damaged()

    def _damaged(self) -> ShardError:
        return ShardError(
            f"{self._path}: the data changed since it was written (checksum differs): "
            "delete this file and run again"
        )
