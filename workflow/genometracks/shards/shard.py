"""The shard file: written atomically, read back in pieces, verified.

`{id}.npy` is a C-order array (tracks, bins), its bins in genome order; `{id}.json`, written last,
says which bins, under which digest, with an xxh3 checksum of every track's row and one of itself.
A shard without a valid sidecar, or with another digest, does not exist.
"""

import io
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import xxhash

from genometracks.common.atomic import write_atomically
from genometracks.errors import ShardError, UserError
from genometracks.plan.plan import Plan, Shard

FORMAT = 2
HEX = 16
"""Digits of a checksum."""
FLOAT16_MAX = float(np.finfo(np.float16).max)


def shard_paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Data and sidecar of a shard."""
    return folder / f"{name}.npy", folder / f"{name}.json"


def read_sidecar(folder: Path, plan: Plan, shard: Shard) -> dict | None:
    """The sidecar of a shard of this plan, or None where there is no such shard.

    The data's size is checked here, its bytes when they are read (`read_rows`).
    """
    data, sidecar = shard_paths(folder, shard.id)
    try:
        fields = json.loads(sidecar.read_text())
        seal = fields.pop("seal")
        if fields["format"] != FORMAT or fields["digest"] != shard.digest or seal != _seal(fields):
            return None
        bins = sum(last - first for _, first, last in fields["ranges"])
        fits = fields["shape"] == [len(plan.tracks), bins]
        right_type = fields["dtype"] == np.dtype(plan.settings["dtype"]).str
        header = _pack_header(fields["dtype"], tuple(fields["shape"]))
        with open(data, "rb") as file:
            whole = file.read(len(header)) == header
        size = len(header) + len(plan.tracks) * bins * np.dtype(fields["dtype"]).itemsize
        whole = whole and os.path.getsize(data) == size
        return fields if whole and fits and right_type else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _seal(fields: dict) -> str:
    """Checksum of a sidecar's own fields: a flipped bit there must not pass for another shard's."""
    return xxhash.xxh3_64_hexdigest(json.dumps(fields, sort_keys=True).encode())


@lru_cache(maxsize=16)  # thousands of shards have the same header, and numpy takes long
def _pack_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """The .npy header of a shard; compared, never parsed."""
    header = io.BytesIO()
    form = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, form)
    return header.getvalue()


def write_shard(
    folder: Path, plan: Plan, shard: Shard, *, pieces: Iterator[np.ndarray], notes: dict
) -> None:
    """Write a shard from consecutive pieces of its bins.

    Parameters
    ----------
    pieces : iterator of float32 arrays (tracks, n)
        In genome order; together they hold every bin the shard owns.
    notes : dict
        How the numbers were made; read when the pieces are at their end.

    Raises
    ------
    UserError
        If a value is not finite or leaves the range of float16, named by track and locus; if the
        disk is full. No file of the shard is left then.
    """
    data, sidecar = shard_paths(folder, shard.id)
    ranges = plan.shard_bins(shard)
    dtype = np.dtype(plan.settings["dtype"])
    shape = (len(plan.tracks), sum(last - first for _, first, last in ranges))
    hashes = [xxhash.xxh3_64() for _ in range(shape[0])]
    header = _pack_header(dtype.str, shape)
    with write_atomically(data) as file:
        # What is there is stale or broken; without its sidecar it no longer exists.
        sidecar.unlink(missing_ok=True)
        file.write(header)
        file.flush()
        start, row = len(header), shape[1] * dtype.itemsize
        os.truncate(file.fileno(), start + shape[0] * row)
        done = 0
        for piece in pieces:
            _check_range(piece, plan, ranges=ranges, offset=done)
            values = np.ascontiguousarray(piece, dtype)
            for track, digest in enumerate(hashes):
                digest.update(values[track])
                _write_at(file.fileno(), values[track], start + track * row + done * dtype.itemsize)
            done += values.shape[1]
        if done != shape[1]:
            raise RuntimeError(f"shard {shard.id}: {done} bins predicted, {shape[1]} owned")
    fields = {
        "format": FORMAT,
        "shard": shard.id,
        "digest": shard.digest,
        "dtype": dtype.str,
        "shape": list(shape),
        "ranges": ranges,
        # One string: with thousands of tracks a list takes four times the time and memory.
        "checksum": {"algorithm": "xxh3_64", "rows": "".join(h.hexdigest() for h in hashes)},
        "notes": notes,
    }
    fields["seal"] = _seal(fields)
    with write_atomically(sidecar) as file:
        file.write(json.dumps(fields).encode() + b"\n")


def _write_at(descriptor: int, values: np.ndarray, offset: int) -> None:
    """Write all bytes at an offset; a disk that fills up may take only some at a time."""
    rest = memoryview(values).cast("B")
    while len(rest):
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _read_at(descriptor: int, values: np.ndarray, offset: int) -> bool:
    """Fill an array from an offset; False if the file ends before."""
    rest = memoryview(values).cast("B")
    while len(rest):
        count = os.preadv(descriptor, [rest], offset)
        if not count:
            return False
        rest, offset = rest[count:], offset + count
    return True


def _check_range(piece: np.ndarray, plan: Plan, *, ranges: list, offset: int) -> None:
    """Refuse values that are not finite, or that the shard's dtype cannot hold."""
    half = plan.settings["dtype"] == "float16"
    good = np.abs(piece) <= FLOAT16_MAX if half else np.isfinite(piece)
    if good.all():
        return
    track, column = np.argwhere(~good)[0].tolist()
    value, position = piece[track, column], offset + column
    for contig, first, last in ranges:
        if position < last - first:
            start = (first + position) * plan.geometry.bin
            end = min(start + plan.geometry.span, plan.lengths[contig])
            break
        position -= last - first
    locus = f"track {plan.tracks[track]['name']!r} is {value} at {contig}:{start}-{end}"
    if np.isfinite(value):
        raise UserError(f"{locus}, beyond float16: set output.dtype to float32")
    outputs = plan.recipe["outputs"]  # then come their standard deviations, in the same order
    if "ratio" in outputs[track % len(outputs)]["of"]:
        raise UserError(f"{locus}: set its pseudocount in output.pairs")
    raise UserError(f"{locus}: check the model's weights, or prediction.precision: fp32")


class ShardReader:
    """Rows of one shard, read in pieces in order; the checksum is proved at the end.

    Parameters
    ----------
    folder : Path
    fields : dict
        The sidecar, from `read_sidecar`.
    rows : range
        Tracks to read, one after the other.
    """

    def __init__(self, folder: Path, fields: dict, *, rows: range) -> None:
        self._path = shard_paths(folder, fields["shard"])[0]
        self._fields, self._rows = fields, rows

    def pieces(self, size: int) -> Iterator[np.ndarray]:
        """Yield arrays (rows, up to `size`) of consecutive bins.

        Raises
        ------
        UserError
            After the last piece, if the bytes are not those that were written.
        """
        bins, dtype = self._fields["shape"][1], np.dtype(self._fields["dtype"])
        hashes = [xxhash.xxh3_64() for _ in self._rows]
        with open(self._path, "rb", buffering=0) as file:
            start = len(_pack_header(self._fields["dtype"], tuple(self._fields["shape"])))
            for begin in range(0, bins, size):
                values = np.empty((len(self._rows), min(size, bins - begin)), dtype)
                # Whole rows stand behind each other in the file: one read for all of them.
                parts = [values] if len(values[0]) == bins else values
                for row, part in zip(self._rows, parts, strict=False):
                    offset = start + (row * bins + begin) * dtype.itemsize
                    if not _read_at(file.fileno(), part, offset):
                        raise self._broken()
                for digest, row in zip(hashes, values, strict=True):
                    digest.update(row)
                yield values
        expected = self._fields["checksum"]["rows"]
        for digest, row in zip(hashes, self._rows, strict=True):
            if digest.hexdigest() != expected[HEX * row : HEX * (row + 1)]:
                raise self._broken()

    def _broken(self) -> ShardError:
        return ShardError(
            f"{self._path}: the data changed since it was written (checksum differs): "
            "delete this file and run again"
        )
