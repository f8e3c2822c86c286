"""Checks of records that describe a genome or a model: values of the right type may be impossible.

A damaged file is found when it is loaded, before its values are used as sizes or positions.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from grelu_models.geometry import Geometry

LONGEST = 1 << 40
"""Base pairs or bins that no contig, window or position exceeds: int64 arithmetic stays exact."""


class Contig(Protocol):
    """What is checked of a contig."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def length(self) -> int:
        """In bp."""


def check_range(what: str, value: int, least: int, most: int = LONGEST) -> None:
    """Raise ValueError unless `least <= value <= most`.

    Examples
    --------
    >>> check_range("bin", 0, 1)
    Traceback (most recent call last):
    ValueError: bin 0 is less than 1
    """
    if value < least:
        raise ValueError(f"{what} {value} is less than {least}")
    if value > most:
        raise ValueError(f"{what} {value} is greater than {most}")


def check_indices(what: str, indices: Iterable[int], count: int) -> None:
    """Raise ValueError unless all are positions in a sequence of `count` values."""
    for index in indices:
        check_range(what, index, 0, count - 1)


def check_length(what: str, values: Sequence[object] | None, count: int) -> None:
    """Raise ValueError if there are values, but not `count` of them."""
    if values is not None and len(values) != count:
        raise ValueError(f"{len(values)} {what}, expected {count}")


def check_path(what: str, path: str) -> None:
    """Raise ValueError if no file can have this path."""
    if not path or "\0" in path:
        raise ValueError(f"{what} {path!r} is not a path")


def check_geometry(geometry: Geometry) -> None:
    """Raise ValueError if no model can have this geometry."""
    check_range("window", geometry.window, 1)
    check_range("length", geometry.length, 1)
    check_range("crop", geometry.crop, 0)
    check_range("number of tracks", geometry.tracks, 1)
    if geometry.bin is None:
        check_range("length without bins", geometry.length, 1, 1)
        return
    check_range("bin", geometry.bin, 1)
    covered = geometry.bin * (geometry.length + 2 * geometry.crop)
    if covered > geometry.window:
        raise ValueError(f"the bins cover {covered} bp, more than the window of {geometry.window}")


def check_contigs(contigs: Sequence[Contig]) -> None:
    """Raise ValueError unless there are contigs with unique names and possible lengths."""
    if not contigs:
        raise ValueError("there are no contigs")
    if len({contig.name for contig in contigs}) < len(contigs):
        raise ValueError("two contigs have the same name")
    for contig in contigs:
        check_range(f"length of contig {contig.name!r}", contig.length, 0)


def check_runs(what: str, runs: npt.ArrayLike, length: int) -> None:
    """Raise ValueError unless runs [first, last) ascend, do not touch, and are in [0, length)."""
    rows = np.asarray(runs)
    if not rows.size:
        return
    if rows.dtype.kind != "i":
        raise ValueError(f"{what} are not whole numbers, or too large")
    flat = rows.ravel()
    if flat[0] < 0 or flat[-1] > length or not (flat[1:] > flat[:-1]).all():
        raise ValueError(f"{what} are not ascending and inside of 0-{length}")
