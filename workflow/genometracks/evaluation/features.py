"""Features of a BED, GFF3 or GTF file: contig, interval, strand. Reads line by line.

Which of the formats a file has is decided by its first line of data, not by its name.
"""

import difflib
import itertools
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from genometracks.errors import UserError
from genometracks.inputs.bed import INTEGER, MAX_LINE, read_lines, shorten_contig

__all__ = ["GFF_COLUMNS", "Feature", "Row", "is_bed", "is_gff", "read_features", "read_rows"]

KINDS = 1000
"""Different types of features that are remembered for an error message."""
GFF_COLUMNS = 8
"""Columns that a line of GFF has at least; the ninth is its attributes."""
PARENT = re.compile(r'(?:^|;)\s*(?:transcript_id "([^"]+)"|Parent=([^;]+))')
"""The transcript of a feature: in GTF one, in GFF3 one or more with commas between them."""


class Feature(NamedTuple):
    """A feature of a file.

    Attributes
    ----------
    line : int
        Number of its line, from 1.
    contig : str
        Name in the file.
    start, end : int
        Bp, 0-based, half-open.
    strand : str or None
        `+`, `-` or `.`; None if the line has no such column, or something else in it.
    parents : tuple of str
        Transcripts that the feature is part of, if the file is GTF or GFF3. Default is ().
    """

    line: int
    contig: str
    start: int
    end: int
    strand: str | None
    parents: tuple[str, ...] = ()


def read_features(path: Path, *, key: str, feature: str | None) -> Iterator[Feature]:
    r"""Yield the features of a file, in its order.

    Parameters
    ----------
    path : Path
        Plain, gzip or bgzip. Comments, directives, `track` and `browser` lines and empty lines are
        skipped; a GFF3 file ends at `##FASTA`.
    key : str
        Key of the config whose keys `file` and `feature` these are, for errors.
    feature : str or None
        Type of the features of a GFF3 or GTF file; others are skipped. None for BED.

    Raises
    ------
    UserError
        If the file cannot be read, has no features, or none of this type, if a line is neither BED
        nor GFF, or if `feature` does not fit the format.

    Examples
    --------
    >>> path = Path("exons.gtf")
    >>> _ = path.write_text("chr1\thand\texon\t11\t20\t.\t-\t.\tParent=x\n")
    >>> list(read_features(path, key="evaluation.sites[0]", feature="exon"))
    [Feature(line=1, contig='chr1', start=10, end=20, strand='-', parents=('x',))]
    """
    rows = read_rows(path)
    try:
        first = next(rows, None)
        if first is None:
            raise UserError(f"{path}: has no features: check {key}.file")
        if is_bed(first[1]):
            if feature is not None:
                raise UserError(
                    f"{path}: is a BED file, whose features have no type: remove {key}.feature"
                )
            yield _parse_bed(path, *first)
            for number, words in rows:
                yield _parse_bed(path, number, words)
        elif is_gff(first[1]):
            yield from _pick(path, first, rows, key=key, feature=feature)
        else:
            raise UserError(
                f"{path}:{first[0]}: neither BED (contig, start, end) nor GFF (9 columns, by tabs)"
                f": check {key}.file"
            )
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}: check {key}.file") from error


Row = tuple[int, list[str]]
"""Number of a line, and its columns."""


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the lines of data of a BED, GFF3 or GTF file, as columns; errors as `read_features`.

    Also raises OSError, EOFError or zlib.error, if the file cannot be read.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if len(line) > MAX_LINE:
            raise UserError(f"{path}:{number}: longer than {MAX_LINE:,} characters: not a feature")
        if line.startswith("##FASTA"):
            return
        words = line.split("\t", GFF_COLUMNS)
        if len(words) < 3:  # a BED file may have spaces between its columns
            words = line.split(maxsplit=GFF_COLUMNS)
        if not words or words[0].lstrip().startswith("#"):
            continue
        if line.startswith(("track", "browser")) and line.split()[0] in ("track", "browser"):
            continue
        if not words[0].isprintable():
            raise UserError(
                f"{path}:{number}: its contig has characters that cannot be printed, or that are "
                "not UTF-8: not a feature"
            )
        words[-1] = words[-1].rstrip("\r\n")
        yield number, words


def is_bed(words: list[str]) -> bool:
    """Whether columns are those of a BED file: columns 2 and 3 are whole numbers."""
    return len(words) >= 3 and _are_whole(words[1], words[2])


def is_gff(words: list[str]) -> bool:
    """Whether columns are those of a GFF3 or GTF file: columns 4 and 5 are whole numbers."""
    return len(words) >= GFF_COLUMNS and _are_whole(words[3], words[4])


def _are_whole(one: str, other: str) -> bool:
    return bool(INTEGER.fullmatch(one) and INTEGER.fullmatch(other))


def _parse_bed(path: Path, number: int, words: list[str]) -> Feature:
    if not is_bed(words):
        raise UserError(
            f"{path}:{number}: not a BED line, as the first one is: its columns must be contig, "
            "start and end"
        )
    start, end = int(words[1]), int(words[2])
    if not 0 <= start < end:
        raise UserError(
            f"{path}:{number}: {shorten_contig(words[0])}:{start}-{end} is not an interval: "
            "0 <= start < end must hold"
        )
    return Feature(number, words[0], start, end, _read_strand(words[5:6]))


def _read_strand(column: list[str]) -> str | None:
    return column[0] if column and column[0] in ("+", "-", ".") else None


def _pick(
    path: Path, first: Row, rows: Iterator[Row], *, key: str, feature: str | None
) -> Iterator[Feature]:
    """Yield the features of a type."""
    kinds: dict[str, None] = {}  # in the order of the file
    found = False
    for number, words in itertools.chain([first], rows):
        chosen = len(words) > 2 and words[2] == feature
        if len(words) < GFF_COLUMNS or (chosen and not is_gff(words)):
            raise UserError(
                f"{path}:{number}: not a GFF line, as the first one is: its columns 4 and 5 must "
                "be start and end"
            )
        if len(kinds) < KINDS:
            kinds[words[2]] = None
        if chosen:
            found = True
            yield _parse_gff(path, number, words)
    if not found:
        raise UserError(f"{path}: {_explain(feature, list(kinds))} {key}.feature")


def _explain(feature: str | None, kinds: list[str]) -> str:
    """Say that a type is missing, with the nearest ones of the file first."""
    near = difflib.get_close_matches(feature or "", kinds, n=3)
    kinds = [shorten_contig(kind) for kind in [*near, *(k for k in kinds if k not in near)]]
    has = ", ".join(kinds[:6]) + (", ..." if len(kinds) > 6 else "")
    if feature is None:
        return f"is a GFF file, with features of the types {has}: choose one by"
    return f"has no feature of the type {feature}, but {has}: correct"


def _parse_gff(path: Path, number: int, words: list[str]) -> Feature:
    start, end = int(words[3]), int(words[4])
    if not 1 <= start <= end:
        raise UserError(
            f"{path}:{number}: {shorten_contig(words[0])}:{start}-{end} is not an interval: "
            "1 <= start <= end must hold"
        )
    found = PARENT.search(words[GFF_COLUMNS]) if len(words) > GFF_COLUMNS else None
    parents = ((found[1],) if found[1] else tuple(found[2].split(","))) if found else ()
    return Feature(number, words[0], start - 1, end, _read_strand(words[6:7]), parents)
