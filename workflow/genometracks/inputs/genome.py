"""FASTA -> contigs and their runs of N, and a normalised copy for random access.

A FASTA is read once and rewritten into the genome's folder: every contig on one line, in upper
case, T for U, and N for every other letter. The copy is a valid, indexed FASTA in which
any interval is one slice. It does not depend on line lengths, line endings or compression of the
user's file, nor on later changes of that file, which is never modified.
"""

import fnmatch
import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from genometracks.common.atomic import write_atomically
from genometracks.common.intervals import EMPTY, find_runs, merge_intervals
from genometracks.common.records import load_record, optional, save_record
from genometracks.config.folders import GenomeFolder
from genometracks.errors import UserError
from genometracks.inputs.check_record import check_contigs, check_runs
from genometracks.inputs.fai import format_header, write_fai
from genometracks.inputs.fasta import Piece, read_contigs, read_names
from genometracks.inputs.letters import MOST_FOREIGN, Letters, summarise_letters

LOG = logging.getLogger(__name__)
FORMAT = 1
LISTED = 1_000_000
"""Runs of N that genome.json lists at most: they take 200 bytes of memory each."""


@dataclass(frozen=True)
class Contig:
    """A contig.

    Attributes
    ----------
    name : str
    length : int
        In bp.
    gaps : tuple of (start, end)
        Maximal runs of N, in bp, 0-based, half-open; empty if they are too many to list.
    sha256 : str
        Digest of the normalised bases.
    scattered : int
        Number of N if their runs are too many to list (see `LISTED`). Default is 0: they are
        listed.
    ambiguous : int
        Number of letters for two or three bases (R, Y, ...), which are read as N. Default is 0.
    """

    name: str
    length: int
    gaps: tuple[tuple[int, int], ...]
    sha256: str
    scattered: int = optional(0)
    ambiguous: int = optional(0)

    @property
    def unknown(self) -> int:
        """Number of N."""
        return self.scattered or sum(end - start for start, end in self.gaps)


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
    bases : str or None
        Path of the normalised FASTA if a contig's runs of N are not listed. Default is None.
    """

    name: str
    source: str
    sha256: str
    contigs: tuple[Contig, ...]
    bases: str | None = optional()

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
        If the file is missing, empty, not a FASTA of nucleotides or not the expected one, repeats a
        contig or names it with characters that cannot be printed, or a pattern matches nothing.
        Nothing is written then.

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
    write_fai(Path(f"{out}.fai"), ((contig.name, contig.length) for contig in contigs))
    bases = str(out) if any(contig.scattered for contig in contigs) else None
    return GenomeIndex(name, str(fasta), found, contigs, bases)


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
    chosen = [name for name in names if matches_pattern(name, patterns)]
    same = index.sha256 == digest and [contig.name for contig in index.contigs] == chosen
    # A pattern that matches nothing is an error, which the scan reports.
    used = all(any(matches_pattern(name, [pattern]) for name in chosen) for pattern in patterns)
    return index if same and used else None


def name_genome(name: str | None, fasta: Path) -> str:
    """The name that the config gives a genome, or else that of its file without the suffix."""
    return name or fasta.name.removesuffix(".gz").rsplit(".", 1)[0]


def matches_pattern(name: str, patterns: Sequence[str]) -> bool:
    """Whether a contig is selected by at least one name or glob pattern."""
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _copy_contigs(
    fasta: Path, file: BinaryIO, *, patterns: Sequence[str], digest: "hashlib._Hash"
) -> tuple[Contig, ...]:
    """Write the selected contigs to `file`, each on one line, and describe them."""
    seen: set[str] = set()
    contigs: list[Contig] = []
    read: list[tuple[str, Letters]] = []
    listed = 0
    for name, pieces in read_contigs(fasta, digest):
        if name in seen:
            raise UserError(f"{fasta}: two contigs are named {name!r}: rename or remove one")
        seen.add(name)
        if matches_pattern(name, patterns):
            file.write(format_header(name))
            contig, letters = _copy_contig(name, pieces, file, room=LISTED - listed)
            file.write(b"\n")
            _check_letters(fasta, contig, letters)
            contigs.append(contig)
            listed += len(contig.gaps)
            if letters.uracil or letters.foreign:
                read.append((name, letters))
    _check_contigs(fasta, contigs, seen=seen, patterns=patterns)
    _report_letters(fasta, read)
    return tuple(contigs)


def _copy_contig(
    name: str, pieces: Iterator[Piece], file: BinaryIO, *, room: int
) -> tuple[Contig, Letters]:
    """Write a contig's normalised bases, and describe it; list its runs of N up to `room`."""
    digest = hashlib.sha256()
    length = unknown = 0
    others = np.zeros(256, np.int64)
    runs, most = [EMPTY], room
    for bases, counts in pieces:
        file.write(bases)
        digest.update(bases)
        if most >= 0:
            found = find_runs(np.frombuffer(bases, np.uint8) == ord("N"))
            most += 1 - len(found)  # a run across two blocks is counted twice
            runs.append(found + length)
        length += len(bases)
        unknown += bases.count(b"N")
        others += counts
    letters = summarise_letters(others)
    gaps = merge_intervals(np.concatenate(runs)) if most >= 0 else EMPTY  # joined across blocks
    listed = most >= 0 and len(gaps) <= room
    contig = Contig(
        name,
        length,
        tuple((start, end) for start, end in gaps.tolist()) if listed else (),
        digest.hexdigest(),
        scattered=0 if listed else unknown,
        ambiguous=letters.ambiguous,
    )
    return contig, letters


def _check_letters(fasta: Path, contig: Contig, letters: Letters) -> None:
    share = letters.foreign_share(contig.length - contig.unknown)
    if share > MOST_FOREIGN:
        raise UserError(
            f"{fasta}: contig {contig.name!r} is not a sequence of nucleotides: {share:.0%} of its "
            f"letters are no nucleotide code ({letters.shown}): check genome.fasta, or leave the "
            "contig out (genome.contigs)"
        )


def _report_letters(fasta: Path, read: Sequence[tuple[str, Letters]]) -> None:
    """Log which letters were read as others, once per genome."""
    for count, what in (
        ([letters.uracil for _, letters in read], "U (RNA) is read as T"),
        (
            [letters.foreign for _, letters in read],
            "letters that are no nucleotide code are read as N",
        ),
    ):
        if sum(count):
            number = sum(map(bool, count))
            first = next(name for (name, _), n in zip(read, count, strict=True) if n)
            more = f"{number:,} contigs, the first of them {first}" if number > 1 else first
            LOG.warning(f"{fasta}: {what}, {sum(count):,} times, in {more}")


def _check_contigs(
    fasta: Path, contigs: list[Contig], *, seen: set[str], patterns: Sequence[str]
) -> None:
    if not seen:
        raise UserError(f"{fasta}: the file has no contigs: a FASTA starts with '>' and a name")
    for pattern in patterns:
        if not any(matches_pattern(name, [pattern]) for name in seen):
            some = ", ".join(sorted(seen)[:5]) + (", ..." if len(seen) > 5 else "")
            raise UserError(
                f"genome.contigs: {pattern!r} matches no contig of {fasta}, which has {some}"
            )
    if not any(contig.length for contig in contigs):
        raise UserError(f"{fasta}: the selected contigs have no bases: check genome.contigs")
