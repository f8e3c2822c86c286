"""What a FASTA says about itself: its contigs, from its index where there is one."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genometracks.common.units import format_si
from genometracks.errors import UserError
from genometracks.inputs.fasta import read_lengths

LOG = logging.getLogger(__name__)

SLOW = 1 << 28
"""Bytes of a FASTA from which on it is said that it is read."""

LARGEST_INDEX = 1 << 28
"""Bytes of the largest index that is read."""

MANY = 40
"""Contigs from which on patterns of chromosomes are suggested."""

PREFIXES = ("chr", "Chr", "CHR", "chromosome", "Chromosome", "")
SEXES = "WXYZ"

MOST_OF_IT = 0.5
"""Share of the bases that the suggested patterns must hold."""


@dataclass(frozen=True)
class Genome:
    """A FASTA, as found.

    Attributes
    ----------
    path : str
        As given.
    bytes : int
        Size of the file.
    form : str
        Its compression; bgzip is gzip in blocks.
    index : str or None
        Name of the index that the contigs are from; None if the FASTA was read.
    contigs : tuple of (name, length)
        In the file's order.
    patterns : tuple of str
        Suggested `genome.contigs`.
    """

    path: str
    bytes: int
    form: Literal["plain", "gzip", "bgzip"]
    index: str | None
    contigs: tuple[tuple[str, int], ...]
    patterns: tuple[str, ...]

    @property
    def bases(self) -> int:
        """Length of all contigs."""
        return sum(length for _, length in self.contigs)


def inspect_genome(path: str) -> Genome:
    """Find out about a FASTA what a config can use.

    An index (`.fai`) is used if it is not older than the FASTA; otherwise the FASTA is read.

    Raises
    ------
    UserError
        If there is no such file, or it is not a FASTA.
    """
    fasta = Path(path)
    try:
        if fasta.exists() and not fasta.is_file():
            raise UserError(f"{path}: not a file: check --fasta")
        found = fasta.stat()
        with fasta.open("rb") as file:
            head = file.read(18)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}: check --fasta") from error
    form: Literal["plain", "gzip", "bgzip"] = "plain"
    if head.startswith(b"\x1f\x8b"):
        form = "bgzip" if head[12:14] == b"BC" else "gzip"
    index = Path(f"{path}.fai")
    contigs = _read_index(index, fasta) or ()
    used = index.name if contigs else None
    if not contigs:
        contigs = _read_fasta(fasta, found.st_size)
    return Genome(path, found.st_size, form, used, contigs, suggest_patterns(contigs))


def _read_fasta(fasta: Path, size: int) -> tuple[tuple[str, int], ...]:
    begun = time.monotonic()
    if size >= SLOW:
        LOG.info(f"{fasta}: no index beside it: reading {format_si(size)}B ...")
    contigs = tuple(read_lengths(fasta))
    if size >= SLOW:
        LOG.info(f"{fasta}: read in {time.monotonic() - begun:.0f} s")
    return contigs


def _read_index(index: Path, fasta: Path) -> tuple[tuple[str, int], ...] | None:
    """Contigs of an index as of `samtools faidx`; None if it is missing, older or damaged."""
    if not index.exists():
        return None
    rows: list[list[str]] = []
    try:
        if index.is_file() and index.stat().st_size <= LARGEST_INDEX:
            lines = index.read_text(encoding="utf-8").splitlines()
            rows = [line.split("\t") for line in lines]
        older = index.stat().st_mtime < fasta.stat().st_mtime
    except (OSError, UnicodeDecodeError):
        rows, older = [], False
    if not rows or not all(_is_row(row) for row in rows):
        LOG.warning(f"{index}: not an index of a FASTA, which is read instead")
        return None
    if older:
        LOG.warning(f"{index}: older than the FASTA, which is read instead")
        return None
    return tuple((row[0], int(row[1])) for row in rows)


def _is_row(row: list[str]) -> bool:
    numbers = row[1:]
    sound = len(row) in (5, 6) and all(text.isascii() and text.isdigit() for text in numbers)
    return sound and row[0].isprintable() and max(map(len, numbers)) < 19


def suggest_patterns(contigs: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """Patterns of the chromosomes, if there are many contigs and chromosomes hold most bases.

    Examples
    --------
    >>> scaffolds = tuple((f"chrUn_{i}", 100) for i in range(50))
    >>> suggest_patterns((("chr1", 9000), ("chr10", 9000), ("chrX", 9000), *scaffolds))
    ('chr[0-9]', 'chr[0-9][0-9]', 'chrX')
    """
    if len(contigs) < MANY:
        return ("*",)
    total = sum(length for _, length in contigs)
    for prefix in PREFIXES:
        named = [(_name_pattern(name, prefix), length) for name, length in contigs]
        if sum(length for pattern, length in named if pattern) > MOST_OF_IT * total:
            found = {pattern for pattern, _ in named if pattern}
            return tuple(sorted(found, key=lambda each: ("[" not in each, len(each), each)))
    refseq = sum(length for name, length in contigs if name.startswith("NC_"))
    return ("NC_*",) if refseq > MOST_OF_IT * total else ("*",)


def _name_pattern(name: str, prefix: str) -> str | None:
    """The pattern of a chromosome: its prefix, then one or two digits, or a sex chromosome."""
    rest = name[len(prefix) :]
    if not name.startswith(prefix):
        return None
    if rest.isascii() and rest.isdigit() and len(rest) <= 2:
        return prefix + "[0-9]" * len(rest)
    return name if len(rest) == 1 and rest in SEXES else None
