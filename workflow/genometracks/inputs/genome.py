"""FASTA -> contigs and their runs of N, and a normalised copy for random access.

A FASTA is read once and rewritten into the genome's folder: every contig on one line, in upper
case, and N for everything that is not A, C, G or T. The copy is a valid, indexed FASTA in which
any interval is one slice. It does not depend on line lengths, line endings or compression of the
user's file, nor on later changes of that file, which is never modified.
"""

import fnmatch
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from genometracks.common.atomic import write_atomically
from genometracks.common.intervals import EMPTY, Intervals, merge_intervals
from genometracks.common.records import load_record, save_record
from genometracks.config.folders import GenomeFolder
from genometracks.errors import UserError
from genometracks.inputs.check_record import check_contigs, check_runs
from genometracks.inputs.fasta import read_contigs, read_names

FORMAT = 1


@dataclass(frozen=True)
class Contig:
    """A contig.

    Attributes
    ----------
    name : str
    length : int
        In bp.
    gaps : tuple of (start, end)
        Maximal runs of N, in bp, 0-based, half-open.
    sha256 : str
        Digest of the normalised bases.
    """

    name: str
    length: int
    gaps: tuple[tuple[int, int], ...]
    sha256: str


@dataclass(frozen=True)
class GenomeIndex:
    """The result of scanning a FASTA: genome.json.

    Attributes
    ----------
    name : str
        The genome's name.
    source : str
        Path of the FASTA.
    sha256 : str
        Digest of the FASTA as stored.
    contigs : tuple of Contig
        The selected contigs, in the file's order.
    """

    name: str
    source: str
    sha256: str
    contigs: tuple[Contig, ...]

    def save(self, path: Path) -> None:
        """Write genome.json, whole or not at all."""
        save_record(path, self, format=FORMAT)

    @classmethod
    def load(cls, path: Path) -> "GenomeIndex":
        """Read genome.json; UserError if it is missing, damaged or of another version."""
        return load_record(cls, path, what="genome index", version=FORMAT)

    def check(self) -> None:
        """Raise ValueError for values that no genome has; called when the file is loaded."""
        check_contigs(self.contigs)
        for contig in self.contigs:
            check_runs(f"gaps of contig {contig.name!r}", contig.gaps, contig.length)


def scan_fasta(
    fasta: Path, out: Path, *, name: str, patterns: Sequence[str], sha256: str | None = None
) -> GenomeIndex:
    r"""Rewrite the selected contigs of a FASTA to `out` (and `{out}.fai`), and index them.

    Parameters
    ----------
    fasta : Path
        Plain, gzip or bgzip; any line ends and lengths.
    out : Path
        The normalised FASTA.
    name : str
        The genome's name.
    patterns : sequence of str
        Names or glob patterns; contigs that match at least one are kept, in the file's order.
    sha256 : str, optional
        Hex digest that the file must have. Default is None: any file is accepted.

    Returns
    -------
    GenomeIndex

    Raises
    ------
    UserError
        If the file is missing, empty, not a FASTA or not the expected one, repeats a contig, or a
        pattern matches nothing. Nothing is written then.

    Examples
    --------
    >>> _ = Path("toy.fa").write_text(">chr1\nacgtNN\n>chrM\nGG\n")
    >>> index = scan_fasta(Path("toy.fa"), Path("genome.fa"), name="toy", patterns=["chr[0-9]*"])
    >>> [(contig.name, contig.length, contig.gaps) for contig in index.contigs]
    [('chr1', 6, ((4, 6),))]
    >>> Path("genome.fa").read_text()
    '>chr1\nACGTNN\n'
    """
    if not fasta.is_file():
        raise UserError(f"{fasta}: no such FASTA file: check genome.fasta")
    digest = hashlib.sha256()
    with write_atomically(out) as file:
        contigs = _copy_contigs(fasta, file, patterns=patterns, digest=digest)
        found = digest.hexdigest()
        if sha256 and found != sha256.lower():
            raise UserError(
                f"{fasta}: sha256 is {found}, expected {sha256.lower()}: "
                "check genome.fasta and genome.sha256"
            )
    _write_fai(Path(f"{out}.fai"), contigs)
    return GenomeIndex(name, str(fasta), found, contigs)


def find_scan(kept: GenomeFolder, fasta: Path, *, patterns: Sequence[str]) -> GenomeIndex | None:
    """Find the index of an earlier scan, if `scan_fasta` would give the same result now.

    The FASTA is read only for its digest and the names of its contigs, which takes a fraction of
    the time of a scan. Nothing is written.

    Parameters
    ----------
    kept : GenomeFolder
        May contain the index, the normalised FASTA and its `.fai`.
    fasta : Path
    patterns : sequence of str
        As in `scan_fasta`.

    Returns
    -------
    GenomeIndex or None
        None if a file is missing or damaged, or made from another FASTA or of other contigs.
    """
    try:
        index = GenomeIndex.load(kept.json)
    except UserError:
        return None
    if not (kept.bases.is_file() and Path(f"{kept.bases}.fai").is_file()):
        return None
    names, digest = read_names(fasta)
    chosen = [name for name in names if _matches(name, patterns)]
    same = index.sha256 == digest and [contig.name for contig in index.contigs] == chosen
    # A pattern that matches nothing is an error, which the scan reports.
    used = all(any(_matches(name, [pattern]) for name in chosen) for pattern in patterns)
    return index if same and used else None


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _copy_contigs(
    fasta: Path, file: BinaryIO, *, patterns: Sequence[str], digest: "hashlib._Hash"
) -> tuple[Contig, ...]:
    """Write the selected contigs to `file`, each on one line, and describe them."""
    seen: set[str] = set()
    contigs: list[Contig] = []
    for name, pieces in read_contigs(fasta, digest):
        if name in seen:
            raise UserError(f"{fasta}: two contigs are named {name!r}: rename or remove one")
        seen.add(name)
        if _matches(name, patterns):
            file.write(_format_header(name))
            contigs.append(_copy_contig(name, pieces, file))
            file.write(b"\n")
    _check_contigs(fasta, contigs, seen=seen, patterns=patterns)
    return tuple(contigs)


def _copy_contig(name: str, pieces: Iterator[bytes], file: BinaryIO) -> Contig:
    """Write a contig's normalised bases, and describe it."""
    digest = hashlib.sha256()
    length, runs = 0, [EMPTY]
    for bases in pieces:
        file.write(bases)
        digest.update(bases)
        runs.append(_find_gaps(bases) + length)
        length += len(bases)
    gaps = merge_intervals(np.concatenate(runs)).tolist()  # joins runs across blocks
    return Contig(name, length, tuple((start, end) for start, end in gaps), digest.hexdigest())


def _find_gaps(bases: bytes) -> Intervals:
    """Maximal runs of N in a block of bases."""
    unknown = np.frombuffer(bases, np.uint8) == ord("N")
    return np.flatnonzero(np.diff(np.r_[False, unknown, False])).reshape(-1, 2)


def _check_contigs(
    fasta: Path, contigs: list[Contig], *, seen: set[str], patterns: Sequence[str]
) -> None:
    if not seen:
        raise UserError(f"{fasta}: the file has no contigs: a FASTA starts with '>' and a name")
    for pattern in patterns:
        if not any(_matches(name, [pattern]) for name in seen):
            some = ", ".join(sorted(seen)[:5]) + (", ..." if len(seen) > 5 else "")
            raise UserError(
                f"genome.contigs: {pattern!r} matches no contig of {fasta}, which has {some}"
            )
    if not any(contig.length for contig in contigs):
        raise UserError(f"{fasta}: the selected contigs have no bases: check genome.contigs")


def _format_header(name: str) -> bytes:
    return f">{name}\n".encode()


def _write_fai(path: Path, contigs: Iterable[Contig]) -> None:
    """Write the index of the normalised FASTA, in the format of `samtools faidx`."""
    offset = 0
    with write_atomically(path) as file:
        for contig in contigs:
            offset += len(_format_header(contig.name))
            row = (contig.name, contig.length, offset, contig.length, contig.length + 1)
            file.write("\t".join(map(str, row)).encode() + b"\n")
            offset += contig.length + 1  # with its line end
