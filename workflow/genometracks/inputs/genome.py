"""FASTA -> contigs, runs of N, and the base codes of any interval.

A FASTA is read once and rewritten into the run's folder with every contig on one line, in upper
case, and N for all that is not A, C, G or T. That file is a valid, indexed FASTA in which any
interval is one slice; uneven lines, CRLF, compression and later changes of the user's file no
longer matter.
"""

import fnmatch
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError
from genometracks.inputs.fasta import read_contigs, read_names

FORMAT = 1
CHECKED = 1 << 20
"""Bytes of a contig that are checked at once; few, because the pipeline's memory is bounded."""

# Normalised base -> code: the row of the one-hot encoding, 4 for N.
CODES = np.full(256, 4, np.uint8)
CODES[list(b"ACGT")] = range(4)


@dataclass
class Contig:
    """A contig: name, length in bp, maximal runs of N [start, end), sha256 of its bases."""

    name: str
    length: int
    gaps: list[list[int]]
    sha256: str


@dataclass
class GenomeIndex:
    """What the scan of a FASTA found: `name`, `source`, `sha256` of the file, and `contigs`."""

    name: str
    source: str
    sha256: str
    contigs: list[Contig]

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        with write_atomically(path) as file:
            file.write(json.dumps({"format": FORMAT, **asdict(self)}).encode() + b"\n")

    @classmethod
    def load(cls, path: Path) -> "GenomeIndex":
        """Read what `save` wrote."""
        fields = json.loads(Path(path).read_text())
        contigs = [Contig(**contig) for contig in fields["contigs"]]
        return cls(fields["name"], fields["source"], fields["sha256"], contigs)


class Bases:
    """Random access to a normalised FASTA.

    Parameters
    ----------
    fasta : Path
        What `scan_fasta` wrote, with its index.

    Raises
    ------
    UserError
        If the index is not one.
    """

    def __init__(self, fasta: Path) -> None:
        from pyfaidx import Faidx  # a tenth of a second that planning and merging save

        try:
            index = Faidx(str(fasta), rebuild=False).index
        except ValueError as error:
            raise UserError(f"{fasta}.fai: no index ({error}): delete it and run again") from error
        self._records = {name: (record.offset, record.rlen) for name, record in index.items()}
        # Read, not mapped: pages of a mapped file count as this process's memory.
        self._file = open(fasta, "rb")  # noqa: SIM115 - closed with the object

    def check(self, contigs: dict[str, str]) -> None:
        """Prove that contigs (name -> sha256) hold the bases they held when they were planned.

        Raises
        ------
        UserError
            Naming the first that does not.
        """
        for name, expected in contigs.items():
            offset, length = self._records.get(name, (0, 0))
            digest = hashlib.sha256()
            for start in range(0, length, CHECKED):
                size = min(CHECKED, length - start)
                digest.update(os.pread(self._file.fileno(), size, offset + start))
            if digest.hexdigest() != expected:
                raise UserError(
                    f"{self._file.name}: contig {name} changed since the plan was made: "
                    "delete this file and run again"
                )

    def codes(self, contig: str, start: int, end: int) -> np.ndarray:
        """Base codes of an interval, N (4) past the contig's ends.

        Returns
        -------
        uint8 array (end - start,)
            0-3 for A, C, G, T; 4 for N.
        """
        offset, length = self._records[contig]
        low, high = max(start, 0), min(end, length)
        codes = np.full(end - start, 4, np.uint8)
        if low < high:
            bases = os.pread(self._file.fileno(), high - low, offset + low)
            if len(bases) != high - low:
                raise UserError(
                    f"{self._file.name}: shorter than its index says: delete it and run again"
                )
            codes[low - start : high - start] = CODES[np.frombuffer(bases, np.uint8)]
        return codes


def scan_fasta(
    fasta: Path, out: Path, *, name: str, patterns: list[str], sha256: str | None = None
) -> GenomeIndex:
    """Rewrite the chosen contigs of a FASTA into `out` (and `{out}.fai`), and index them.

    Parameters
    ----------
    fasta : Path
        Plain, gzip or bgzip; any line ends and lengths.
    out : Path
        The normalised FASTA.
    name : str
        The genome's name.
    patterns : list of str
        Contig names or glob patterns; contigs that match any are kept, in the file's order.
    sha256 : str, optional
        Hex digest that the file must have.

    Raises
    ------
    UserError
        If the file is missing, empty, no FASTA or another one, repeats a contig, or a pattern
        matches nothing.
    """
    if not fasta.is_file():
        raise UserError(f"{fasta}: no such FASTA file: check genome.fasta")
    digest = hashlib.sha256()
    seen: set[str] = set()
    index = GenomeIndex(name, str(fasta), "", [])
    offsets: list[int] = []
    with write_atomically(out) as file:
        for contig, pieces in read_contigs(fasta, digest):
            if contig in seen:
                raise UserError(f"{fasta}: two contigs are named {contig!r}: rename or remove one")
            seen.add(contig)
            if _matches(contig, patterns):
                file.write(f">{contig}\n".encode())
                offsets.append(file.tell())
                index.contigs.append(_copy_contig(contig, pieces, file))
        _check_contigs(fasta, index.contigs, seen=seen, patterns=patterns)
        index.sha256 = digest.hexdigest()
        if sha256 and index.sha256 != sha256.lower():
            raise UserError(
                f"{fasta}: sha256 is {index.sha256}, not {sha256.lower()} as asked for: "
                "check genome.fasta and genome.sha256"
            )
    with write_atomically(f"{out}.fai") as file:
        for contig, offset in zip(index.contigs, offsets, strict=True):
            row = (contig.name, contig.length, offset, contig.length, contig.length + 1)
            file.write("\t".join(map(str, row)).encode() + b"\n")
    return index


def find_scan(folder: Path, fasta: Path, *, patterns: list[str]) -> GenomeIndex | None:
    """What an earlier run scanned, if that is proved to be what `scan_fasta` would give now.

    The FASTA is read for its digest and its contigs' names, in a fraction of a scan's time, and
    nothing is written.

    Parameters
    ----------
    folder : Path
        Where genome.json, genome.fa and its index may stand.
    fasta : Path
    patterns : list of str
        As `scan_fasta` takes them.

    Returns
    -------
    GenomeIndex or None
        None if anything is missing, broken, of another FASTA or of other contigs.
    """
    try:
        index = GenomeIndex.load(folder / "genome.json")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not all((folder / name).is_file() for name in ("genome.fa", "genome.fa.fai")):
        return None
    names, digest = read_names(fasta)
    chosen = [name for name in names if _matches(name, patterns)]
    same = index.sha256 == digest and [contig.name for contig in index.contigs] == chosen
    # A pattern that matches nothing is an error, which the scan explains.
    used = all(any(_matches(name, [pattern]) for name in chosen) for pattern in patterns)
    return index if same and used else None


def _matches(name: str, patterns: list[str]) -> bool:
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _check_contigs(
    fasta: Path, contigs: list[Contig], *, seen: set[str], patterns: list[str]
) -> None:
    if not seen:
        raise UserError(f"{fasta}: the file holds no contig: a FASTA starts with '>' and a name")
    for pattern in patterns:
        if not any(_matches(name, [pattern]) for name in seen):
            some = ", ".join(sorted(seen)[:5]) + (", ..." if len(seen) > 5 else "")
            raise UserError(
                f"genome.contigs: {pattern!r} matches no contig of {fasta}, which has {some}"
            )
    if not any(contig.length for contig in contigs):
        raise UserError(f"{fasta}: the chosen contigs hold no bases")


def _copy_contig(name: str, pieces: Iterator[bytes], file: BinaryIO) -> Contig:
    """Write a contig's normalised bases on one line, and describe it."""
    contig = Contig(name, 0, [], "")
    digest = hashlib.sha256()
    for bases in pieces:
        file.write(bases)
        digest.update(bases)
        unknown = np.frombuffer(bases, np.uint8) == ord("N")
        turns = np.flatnonzero(np.diff(np.r_[False, unknown, False])) + contig.length
        for start, end in turns.reshape(-1, 2).tolist():
            if contig.gaps and contig.gaps[-1][1] == start:
                contig.gaps[-1][1] = end
            else:
                contig.gaps.append([start, end])
        contig.length += len(bases)
    file.write(b"\n")
    contig.sha256 = digest.hexdigest()
    return contig
