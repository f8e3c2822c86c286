"""BED -> the merged intervals of each contig, checked against the genome."""

import gzip
import hashlib
import io
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from genometracks.common.intervals import Intervals, merge_intervals
from genometracks.errors import UserError


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
    try:
        packed = Path(path).read_bytes()
        text = gzip.decompress(packed) if packed.startswith(b"\x1f\x8b") else packed
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}: check {key}") from error
    rows: dict[str, array[int]] = {}
    foreign: dict[str, int] = {}
    for where, contig, start, end in _parse(text, path):
        if contig not in lengths:
            foreign[contig] = foreign.get(contig, 0) + 1
            continue
        if end > lengths[contig]:
            raise UserError(
                f"{where}: {contig}:{start}-{end} extends past the contig's {lengths[contig]} bp: "
                f"set {key} to a file of the same assembly"
            )
        rows.setdefault(contig, array("q")).extend((start, end))
    if foreign and not rows:
        raise UserError(
            f"{path}: none of its contigs ({_name_some(foreign)}) is in the genome, which has "
            f"{_name_some(lengths)}: check {key} and genome.contigs"
        )
    intervals = {
        contig: merge_intervals(np.array(found).reshape(-1, 2)) for contig, found in rows.items()
    }
    digest = hashlib.sha256(packed).hexdigest()
    return Bed(str(path), digest, intervals, sum(foreign.values()))


def _parse(text: bytes, path: Path) -> Iterator[tuple[str, str, int, int]]:
    """Yield (file:line, contig, start, end) of every interval."""
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#") or words[0] in ("track", "browser"):
            continue
        where = f"{path}:{number}"
        try:
            contig, start, end = words[0], int(words[1]), int(words[2])
        except (IndexError, ValueError) as error:
            raise UserError(
                f"{where}: not a BED line: its columns must be contig, start and end"
            ) from error
        if not 0 <= start < end:
            raise UserError(
                f"{where}: {contig}:{start}-{end} is not an interval: 0 <= start < end must hold"
            )
        yield where, contig, start, end


def _name_some(contigs: Iterable[str]) -> str:
    """The first three names, and dots if there are more."""
    names = list(islice(contigs, 4))
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
