"""The sites of an entry of `evaluation.sites`: read from its files, on the contigs of the run."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genometracks.common.intervals import Intervals, merge_intervals
from genometracks.config.sections import Sites, Within
from genometracks.errors import UserError
from genometracks.evaluation.features import Feature, read_features
from genometracks.evaluation.junctions import JUNCTIONS, find_junctions
from genometracks.inputs.bed import name_some, shorten_contig

__all__ = ["SiteIntervals", "read_regions", "read_sites", "site_label"]

MOST = 10_000_000
"""Features of a file that are kept; more would not fit into the memory of the job."""


@dataclass(frozen=True, eq=False)
class SiteIntervals:
    """Sites on the contigs of a run.

    Attributes
    ----------
    found : dict
        Contig of the run -> int64 array (n, 2), bp, 0-based, half-open, ascending, each once.
    elsewhere : int
        Number of features on other contigs.
    foreign : tuple of str
        Names of the first of those contigs.
    """

    found: dict[str, Intervals]
    elsewhere: int
    foreign: tuple[str, ...]


def site_label(entry: Sites) -> str:
    """The name of an entry: its `name`, or else its file's name without suffixes.

    Examples
    --------
    >>> site_label(Sites("t", "data/exons.gtf.gz"))
    'exons'
    """
    return entry.name or Path(entry.file.removesuffix(".gz").removesuffix(".bgz")).stem


def read_sites(entry: Sites, *, key: str, lengths: Mapping[str, int]) -> SiteIntervals:
    """Read the sites of an entry.

    Parameters
    ----------
    entry : Sites
    key : str
        Its key, `evaluation.sites[0]`, for errors.
    lengths : mapping
        Contig of the run -> length in bp.

    Raises
    ------
    UserError
        As `read_features` and `find_junctions`; if a feature's site is not determined (`at`), it
        lies past the end of its contig, a strand is missing that is needed, no feature has the
        strand, or none is on a contig of the run.
    """
    places = _Collector(entry, key=key, lengths=lengths)
    on_strand = False
    for feature in _read(entry, key=key):
        if entry.strand and feature.strand is None:
            raise UserError(
                f"{entry.file}:{feature.line}: has no strand, which {key}.strand needs: add the "
                f"column, or remove {key}.strand"
            )
        if entry.strand in (None, feature.strand):
            on_strand = True
            places.add(entry.file, feature, *_place_site(entry, feature, key=key))
    if not on_strand:
        raise UserError(
            f"{entry.file}: none of the features has the strand {entry.strand}: check {key}.strand"
        )
    found = places.collect(entry.file)
    return SiteIntervals(
        {contig: _sort_distinct(rows) for contig, rows in found.items()},
        places.elsewhere,
        tuple(places.foreign),
    )


def _read(entry: Sites, *, key: str) -> Iterator[Feature]:
    path = Path(entry.file)
    if entry.at in JUNCTIONS:
        return find_junctions(path, at=entry.at, key=key, feature=entry.feature)
    return read_features(path, key=key, feature=entry.feature)


def read_regions(
    within: Within, entry: Sites, *, key: str, lengths: Mapping[str, int]
) -> dict[str, Intervals]:
    """Read the regions of an entry: contig -> merged intervals, int64 array (n, 2).

    Regions of the other strand than the entry's are left out; those without a strand are on both.

    Parameters
    ----------
    within : Within
        The entry's own.
    entry : Sites
    key : str
        As for `read_sites`.
    lengths : mapping
        Contig of the run -> length in bp.

    Raises
    ------
    UserError
        As `read_sites`.
    """
    key = f"{key}.within"
    places = _Collector(entry, key=key, lengths=lengths)
    other = {"+": "-", "-": "+"}.get(entry.strand or "")
    for feature in read_features(Path(within.file), key=key, feature=within.feature):
        if other is None or feature.strand != other:
            places.add(within.file, feature, feature.start, feature.end)
    found = places.collect(within.file)
    return {contig: merge_intervals(rows) for contig, rows in found.items()}


class _Collector:
    """Intervals of features by contig of the run.

    Attributes
    ----------
    elsewhere : int
        Number of features on contigs that are not in the run.
    foreign : list of str
        Names of the first of those contigs.
    """

    def __init__(self, entry: Sites, *, key: str, lengths: Mapping[str, int]) -> None:
        # A file may have the FASTA's own names in spite of aliases: `within` beside `file`.
        self._names = {contig: contig for contig in lengths}
        self._names |= {entry.aliases[name]: name for name in lengths if name in entry.aliases}
        self._key, self._lengths = key, lengths
        self._rows: dict[str, array[int]] = {}
        self._count = 0
        self.elsewhere = 0
        self.foreign: list[str] = []

    def add(self, path: str, feature: Feature, start: int, end: int) -> None:
        """Add an interval of a feature."""
        contig = self._names.get(feature.contig)
        if contig is None:
            self.elsewhere += 1
            if len(self.foreign) < 4 and feature.contig not in self.foreign:
                self.foreign.append(feature.contig)
            return
        if end > self._lengths[contig]:
            raise UserError(
                f"{path}:{feature.line}: {shorten_contig(feature.contig)}:{start}-{end} extends "
                f"past the contig's {self._lengths[contig]:,} bp: give {self._key} a file of the "
                "same assembly"
            )
        self._count += 1
        if self._count > MOST:
            raise UserError(
                f"{path}: has more than {MOST:,} features that {self._key} selects: select fewer, "
                "or split the file"
            )
        self._rows.setdefault(contig, array("q")).extend((start, end))

    def collect(self, path: str) -> dict[str, Intervals]:
        """Contig -> intervals in the order of the file; refuse if there are none."""
        if self.foreign and not self._rows:
            key = self._key.removesuffix(".within")
            raise UserError(
                f"{path}: none of its contigs ({name_some(self.foreign)}) is in the genome, which "
                f"has {name_some(self._lengths)}: give its names in {key}.aliases"
            )
        return {
            contig: np.array(rows, np.int64).reshape(-1, 2) for contig, rows in self._rows.items()
        }


def _place_site(entry: Sites, feature: Feature, *, key: str) -> tuple[int, int]:
    """The interval of a feature that is its site: one base, or all of them."""
    start, end, at = feature.start, feature.end, entry.at
    if end - start == 1 or at == "all":
        return start, end
    if at is None:
        raise UserError(
            f"{entry.file}:{feature.line}: {shorten_contig(feature.contig)}:{start}-{end} has "
            f"{end - start:,} bp: set {key}.at to start, end, 5', 3', centre or all"
        )
    if at == "centre":
        return (start + end) // 2, (start + end) // 2 + 1
    if at in ("5'", "3'"):
        if feature.strand not in ("+", "-"):
            raise UserError(
                f"{entry.file}:{feature.line}: has no strand, which {key}.at: {at} needs: add it, "
                f"or set {key}.at to start, end, centre or all"
            )
        at = "start" if (at == "5'") == (feature.strand == "+") else "end"
    return (start, start + 1) if at == "start" else (end - 1, end)


def _sort_distinct(rows: Intervals) -> Intervals:
    """Intervals in ascending order, each once."""
    ascending: Intervals = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    kept: Intervals = ascending[np.r_[True, (ascending[1:] != ascending[:-1]).any(axis=1)]]
    return kept
