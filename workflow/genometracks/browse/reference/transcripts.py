"""Transcripts: exons, coding part, names; and those of a BED file, one per line."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from genometracks.errors import UserError
from genometracks.evaluation.features import GFF_COLUMNS, Row
from genometracks.inputs.bed import INTEGER, shorten_contig

__all__ = ["MOST", "Blocks", "Transcript", "parse_bed"]

MOST = 2_000_000
"""Genes and transcripts that are kept; they take about 1.2 KB each."""

Blocks = tuple[tuple[int, int], ...]


class Transcript(NamedTuple):
    """A transcript, or a gene without one.

    Attributes
    ----------
    contig : str
    strand : str
        `+`, `-` or `.`.
    gene, transcript : str
        Names, any text.
    blocks : tuple of (start, end)
        Exons in bp, 0-based, half-open, ascending, not touching each other.
    coding : tuple or None
        Start and end of the coding part.
    score : int
        0 to 1000. Default is 0.
    """

    contig: str
    strand: str
    gene: str
    transcript: str
    blocks: Blocks
    coding: tuple[int, int] | None
    score: int = 0


def parse_bed(path: Path, rows: Iterable[Row]) -> Iterator[Transcript]:
    """Yield the rows of a BED file of 3 to 12 or more columns as transcripts.

    Raises
    ------
    UserError
        If a row's thick part or blocks do not lie in its interval, or there are too many rows.
    """
    for count, (number, words) in enumerate(rows, start=1):
        if count > MOST:
            raise UserError(
                f"{path}: has more than {MOST:,} rows on contigs of the run: set "
                "genome.annotation to a file of fewer genes"
            )
        columns = [*words[:GFF_COLUMNS], *(words[GFF_COLUMNS:] or [""])[0].split()]
        contig, start, end = columns[0], int(columns[1]), int(columns[2])
        name = columns[3] if len(columns) > 3 else ""
        score = columns[4] if len(columns) > 4 else ""
        strand = columns[5] if columns[5:6] in (["+"], ["-"]) else "."
        place = f"{path}:{number}: {shorten_contig(contig)}:{start}-{end}"
        yield Transcript(
            contig,
            strand,
            name,
            name,
            _parse_blocks(place, start, end, columns[9:12]),
            _parse_thick(place, start, end, columns[6:8]),
            min(int(score), 1000) if score.isdecimal() and len(score) < 10 else 0,
        )


def _parse_thick(place: str, start: int, end: int, words: list[str]) -> tuple[int, int] | None:
    if len(words) < 2:
        return None
    if not all(map(INTEGER.fullmatch, words)):
        raise UserError(f"{place}: its thick part (columns 7 and 8) is not a pair of numbers")
    low, high = map(int, words)
    if low >= high:  # none: UCSC writes start and start, or end and end
        return None
    if not start <= low < high <= end:
        raise UserError(
            f"{place}: its thick part {low}-{high} lies outside: correct genome.annotation"
        )
    return low, high


def _parse_blocks(place: str, start: int, end: int, words: list[str]) -> Blocks:
    if len(words) < 3:
        return ((start, end),)
    lists = [word.rstrip(",").split(",") for word in words]
    if all(INTEGER.fullmatch(each) for row in lists for each in row):
        (count, *_), sizes, starts = ([int(each) for each in row] for row in lists)
        blocks = [(start + at, start + at + size) for at, size in zip(starts, sizes, strict=False)]
        edges = [edge for block in blocks for edge in block]
        if (
            count == len(sizes) == len(starts)
            and (edges[0], edges[-1]) == (start, end)
            and all(low < high for low, high in blocks)
            and edges == sorted(edges)
        ):
            return tuple(blocks)
    raise UserError(
        f"{place}: its blocks (columns 10 to 12) must ascend, not overlap, and begin and end with "
        "the row: correct genome.annotation"
    )
