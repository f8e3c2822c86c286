"""Genes for a browser: an annotation's transcripts, on the contigs of the run, as a bigBed."""

import logging
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genometracks.bigwig.bigbed import BED12, Rows, write_bigbed
from genometracks.browse.labels import clean_text
from genometracks.browse.reference.gff import parse_gff
from genometracks.browse.reference.transcripts import Transcript, parse_bed
from genometracks.common.sealing import Seal
from genometracks.errors import UserError
from genometracks.evaluation.features import Row, is_bed, is_gff, read_rows
from genometracks.inputs.bed import name_some, shorten_contig

__all__ = ["write_genes"]

LOG = logging.getLogger(__name__)
KEY = "genome.annotation"


def write_genes(
    annotation: Path, out: Path, *, lengths: Mapping[str, int], aliases: Mapping[str, str]
) -> Seal:
    """Write the transcripts of an annotation as a bigBed, and return its seal.

    A row is a transcript: its exons, coding part, strand, the name of its gene, and its own name.
    A gene without transcripts is a row, too. Features on other contigs are left out, and counted
    in the log.

    Parameters
    ----------
    annotation : Path
        GFF3, GTF or BED, plain or gzip; which of them is seen from its first line of data.
    out : Path
    lengths : mapping
        Contig of the run -> length in bp.
    aliases : mapping
        Contig of the run -> another name, which the annotation may use.

    Raises
    ------
    UserError
        If the annotation cannot be read, has lines of another format, features past the end of
        their contig, no genes, or none on a contig of the run.
    """
    lengths = {contig: length for contig, length in lengths.items() if length}
    lines = _OnContigs(annotation, lengths, aliases)
    by_contig: dict[str, list[tuple[int, int, bytes]]] = {}
    try:
        for transcript in _read(annotation, lines):
            by_contig.setdefault(transcript.contig, []).append(_pack(transcript))
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{annotation}: cannot be read: {error}: check {KEY}") from error
    if lines.foreign and not lines.kept:
        raise UserError(
            f"{annotation}: none of its contigs ({name_some(lines.foreign)}) is in the genome, "
            f"which has {name_some(lengths)}: check {KEY}, or give its names in genome.aliases"
        )
    if not by_contig:
        raise UserError(f"{annotation}: has no genes, transcripts or exons: check {KEY}")
    if lines.elsewhere:
        LOG.info(
            f"{annotation}: {lines.elsewhere:,} lines are on contigs that are not in the run "
            f"({name_some(lines.foreign)})"
        )
    LOG.info(f"{annotation}: {sum(map(len, by_contig.values())):,} transcripts")
    features = {contig: _sort(by_contig.pop(contig)) for contig in sorted(by_contig)}
    return write_bigbed(out, lengths, features, layout=BED12)


@dataclass
class _OnContigs:
    """Lines of an annotation on the contigs of the run, which are given by the run's names."""

    path: Path
    lengths: Mapping[str, int]
    aliases: Mapping[str, str]
    kept: int = 0
    elsewhere: int = 0
    foreign: list[str] = field(default_factory=list)

    def select(self, rows: Iterator[Row], *, start: int, end: int, base: int) -> Iterator[Row]:
        """Yield the lines whose columns `start` and `end` are an interval of a contig."""
        names = {self.aliases[name]: name for name in self.lengths if name in self.aliases}
        names |= {contig: contig for contig in self.lengths}
        for number, words in rows:
            contig = names.get(words[0])
            if contig is None:
                self.elsewhere += 1
                if len(self.foreign) < 4 and words[0] not in self.foreign:
                    self.foreign.append(words[0])
                continue
            self.kept += 1
            low, high = int(words[start]) - base, int(words[end])
            if not 0 <= low < high <= self.lengths[contig]:
                raise UserError(
                    f"{self.path}:{number}: {shorten_contig(words[0])}:{low}-{high} is not an "
                    f"interval of the contig, which has {self.lengths[contig]:,} bp: set {KEY} to "
                    "a file of the same assembly"
                )
            words[0] = contig
            yield number, words


def _read(path: Path, contigs: _OnContigs) -> Iterator[Transcript]:
    rows = read_rows(path)
    first = next(rows, None)
    if first is None:
        raise UserError(f"{path}: has no features: check {KEY}")
    bed = is_bed(first[1])
    if not bed and not is_gff(first[1]):
        raise UserError(
            f"{path}:{first[0]}: neither BED (contig, start, end) nor GFF (9 columns, by tabs): "
            f"check {KEY}"
        )
    checked = _check(path, first, rows, bed=bed)
    if bed:
        return parse_bed(path, contigs.select(checked, start=1, end=2, base=0))
    return parse_gff(path, contigs.select(checked, start=3, end=4, base=1))


def _check(path: Path, first: Row, rows: Iterator[Row], *, bed: bool) -> Iterator[Row]:
    """Yield all lines; refuse one of another format than the first one's."""
    yield first
    fits = is_bed if bed else is_gff
    columns = "2 and 3" if bed else "4 and 5"
    for number, words in rows:
        if not fits(words):
            raise UserError(
                f"{path}:{number}: not a {'BED' if bed else 'GFF'} line, as the first one is: its "
                f"columns {columns} must be start and end"
            )
        yield number, words


def _pack(found: Transcript) -> tuple[int, int, bytes]:
    """Start, end, and the columns of a bigBed from the fourth on."""
    start, end = found.blocks[0][0], found.blocks[-1][1]
    thick = found.coding or (start, start)
    columns = [
        clean_text(found.gene, most=200) or ".",
        str(found.score),
        found.strand,
        str(thick[0]),
        str(thick[1]),
        "0",
        str(len(found.blocks)),
        "".join(f"{high - low}," for low, high in found.blocks),
        "".join(f"{low - start}," for low, _ in found.blocks),
        clean_text(found.transcript, most=200) or ".",
    ]
    return start, end, "\t".join(columns).encode()


def _sort(rows: list[tuple[int, int, bytes]]) -> Rows:
    rows.sort()
    intervals = np.array([(start, end) for start, end, _ in rows], np.int64)
    return Rows(intervals, [rest for _, _, rest in rows])
