"""BED -> the merged intervals of each contig, checked against the genome."""

import gzip
import hashlib
import io
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from genometracks.common.intervals import Intervals, merge_intervals
from genometracks.errors import UserError

MAX_LINE = 1 << 20
"""Characters of the longest line."""
MAX_RATIO, UNCHECKED = 200, 1 << 22
"""Largest expansion of a compressed file, and characters up to which it is not checked."""
INTEGER = re.compile("-?[0-9]{1,18}")


@dataclass(frozen=True)
class Bed:
    """The intervals of a BED file on the contigs of a genome.

    Attributes
    ----------
    path : str
    sha256 : str
        Digest of the file as stored, compressed or not.
    intervals : dict
        Contig -> int64 array (n, 2), bp, 0-based, half-open, ascending, not touching each other.
    elsewhere : int
        Number of intervals on contigs that are not in the genome.
    """

    path: str
    sha256: str
    intervals: dict[str, Intervals]
    elsewhere: int


def read_bed(path: Path, *, key: str, lengths: Mapping[str, int]) -> Bed:
    r"""Read a BED file and merge its intervals on each contig.

    Parameters
    ----------
    path : Path
        Plain, gzip or bgzip; 3 or more columns. Comments, `track` and `browser` lines and empty
        lines are skipped.
    key : str
        Key of the config that names the file, for errors.
    lengths : mapping
        Contig -> length in bp.

    Raises
    ------
    UserError
        If the file cannot be read, a line is not an interval of its contig, or none of its contigs
        is in the genome.

    Examples
    --------
    >>> path = Path("peaks.bed")
    >>> _ = path.write_text("chr1\t10\t30\nchr1\t20\t40\nchrUn\t0\t5\n")
    >>> bed = read_bed(path, key="genome.regions", lengths={"chr1": 100})
    >>> bed.intervals["chr1"].tolist(), bed.elsewhere
    ([[10, 40]], 1)
    """
    rows: dict[str, array[int]] = {}
    foreign: list[str] = []  # names of the first ones
    elsewhere = 0
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        for number, contig, start, end, _ in parse_bed(path):
            if contig not in lengths:
                elsewhere += 1
                if len(foreign) < 4 and contig not in foreign:
                    foreign.append(contig)
                continue
            if end > lengths[contig]:
                raise UserError(
                    f"{path}:{number}: {contig}:{start}-{end} extends past the contig's "
                    f"{lengths[contig]} bp: set {key} to a file of the same assembly"
                )
            rows.setdefault(contig, array("q")).extend((start, end))
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}: check {key}") from error
    if foreign and not rows:
        raise UserError(
            f"{path}: none of its contigs ({name_some(foreign)}) is in the genome, which has "
            f"{name_some(lengths)}: check {key} and genome.contigs"
        )
    intervals = {
        contig: merge_intervals(np.array(found).reshape(-1, 2)) for contig, found in rows.items()
    }
    return Bed(str(path), digest, intervals, elsewhere)


def parse_bed(path: Path) -> Iterator[tuple[int, str, int, int, str]]:
    """Yield (number of the line, contig, start, end, line) of every interval.

    Raises
    ------
    UserError
        If a line is not an interval. Errors of reading the file are those of `read_lines`.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if len(line) > MAX_LINE:
            raise UserError(f"{path}:{number}: longer than {MAX_LINE:,} characters: not a BED line")
        words = line.split(maxsplit=3)
        if not words or words[0].startswith("#") or words[0] in ("track", "browser"):
            continue
        if len(words) < 3 or not (INTEGER.fullmatch(words[1]) and INTEGER.fullmatch(words[2])):
            raise UserError(
                f"{path}:{number}: not a BED line: its columns must be contig, start and end"
            )
        contig, start, end = words[0], int(words[1]), int(words[2])
        if not contig.isprintable():
            raise UserError(
                f"{path}:{number}: not a BED line: its contig has characters that cannot be "
                "printed, or that are not UTF-8"
            )
        if not 0 <= start < end:
            raise UserError(
                f"{path}:{number}: {shorten_contig(contig)}:{start}-{end} is not an interval: "
                "0 <= start < end must hold"
            )
        yield number, contig, start, end, line


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, compressed or not; a longer one than `MAX_LINE` is cut.

    Raises
    ------
    gzip.BadGzipFile
        If little data expands to a lot: it may have been made to fill the memory.
    """
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        source = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
        lines = io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape")
        most = max(UNCHECKED, MAX_RATIO * path.stat().st_size) if packed else None
        read = 0
        while line := lines.readline(MAX_LINE + 1):
            read += len(line)
            if most and read > most:
                raise gzip.BadGzipFile(f"expands to more than {MAX_RATIO} times its size")
            yield line


def shorten_contig(contig: str) -> str:
    """The name of a contig, cut to 60 characters."""
    return contig if len(contig) <= 60 else f"{contig[:57]}..."


def name_some(contigs: Iterable[str]) -> str:
    """The first three names, and dots if there are more."""
    names = list(map(shorten_contig, islice(contigs, 4)))
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
