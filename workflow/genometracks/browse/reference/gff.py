"""Transcripts of a GFF3 or GTF file.

In GFF3, parts name their transcript by `Parent`, and a transcript its gene; in GTF, every line
names both. Lines may be in any order.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

from genometracks.browse.reference.transcripts import MOST, Blocks, Transcript
from genometracks.errors import UserError
from genometracks.evaluation.features import GFF_COLUMNS, Row

__all__ = ["parse_gff"]

MOST_PARTS = 20_000_000
"""Exons and parts of them that are kept; they take 16 bytes each."""
EXON = re.compile("exon$")
PIECE = re.compile("^CDS$|UTR")
"""Parts from which exons are joined if a transcript has none."""
NODE = re.compile("gene|RNA|transcript")
# Each scans a line once, however long it is: nothing that repeats can begin inside a repetition.
GTF = re.compile(r'\b(\w+) "([^"]*)"')
IS_GTF = re.compile(r'\s*\w+ "')
TRANSCRIPT = re.compile(r'\btranscript_id "([^"]+)"')
GFF3 = re.compile(r"(?:^|;)([^=;]+)=([^;]*)")
PREFIX = re.compile("^(gene|transcript|rna)[:-]")
"""What Ensembl and NCBI write before a name in an ID."""
DEEP = 10
"""Generations from a part to its gene, at most."""


class _Node:
    """A gene or transcript: what its own line and those of its parts say."""

    __slots__ = ("strand", "name", "label", "parent", "span", "exons", "pieces", "coding", "inner")

    def __init__(self, strand: str) -> None:
        self.strand, self.name, self.label = strand, "", ""
        self.parent: str | None = None
        self.span: tuple[int, int] | None = None
        self.exons: array[int] | None = None
        self.pieces: array[int] | None = None
        self.coding: tuple[int, int] | None = None
        self.inner = False  # has transcripts or parts of its own


class _Nodes:
    """Genes and transcripts by contig and key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.found: dict[tuple[str, str], _Node] = {}
        self._parts = 0

    def get(self, contig: str, key: str, strand: str) -> _Node:
        node = self.found.get((contig, key))
        if node is None:
            if len(self.found) == MOST:
                raise self._refuse(f"{MOST:,} genes and transcripts")
            node = self.found[contig, key] = _Node(strand)
        return node

    def add_part(self, node: _Node, kind: str, start: int, end: int) -> None:
        """Add an exon, or another part, to its transcript."""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise self._refuse(f"{MOST_PARTS:,} exons and parts of exons")
        if EXON.search(kind):
            node.exons = node.exons if node.exons is not None else array("q")
            node.exons.extend((start, end))
        else:
            node.pieces = node.pieces if node.pieces is not None else array("q")
            node.pieces.extend((start, end))
            if kind == "CDS":
                low, high = node.coding or (start, end)
                node.coding = min(low, start), max(high, end)

    def _refuse(self, what: str) -> UserError:
        return UserError(
            f"{self._path}: has more than {what} on contigs of the run: set genome.annotation to "
            "a file of fewer genes"
        )


def parse_gff(path: Path, rows: Iterable[Row]) -> Iterator[Transcript]:
    """Read a GFF3 or GTF file, then yield its transcripts in the order in which they appear.

    Parameters
    ----------
    path : Path
        For errors.
    rows : iterable of Row
        Lines on the contigs of the run, with valid intervals.

    Raises
    ------
    UserError
        If the file has more genes than fit into memory.
    """
    nodes = _Nodes(path)
    for number, words in rows:
        kind = words[2]
        part = bool(EXON.search(kind) or PIECE.search(kind))
        if not part and not NODE.search(kind):
            continue
        attributes = words[GFF_COLUMNS] if len(words) > GFF_COLUMNS else ""
        strand = words[6] if words[6] in ("+", "-") else "."
        place = words[0], int(words[3]) - 1, int(words[4]), strand
        if IS_GTF.match(attributes):
            named = TRANSCRIPT.search(attributes) if part else None
            node = nodes.found.get((words[0], f"transcript {named[1]}")) if named else None
            if node is not None:  # most lines: the rest of their attributes is known
                nodes.add_part(node, kind, place[1], place[2])
                continue
            _add_gtf(nodes, place, kind, dict(GTF.findall(attributes)), part=part)
        else:
            found = {key.strip(): unquote(value) for key, value in GFF3.findall(attributes)}
            _add_gff3(nodes, place, kind, found, part=part, number=number)
    yield from _finish(nodes)


Place = tuple[str, int, int, str]
"""Contig, start, end, strand."""


def _add_gtf(nodes: _Nodes, place: Place, kind: str, found: dict[str, str], *, part: bool) -> None:
    contig, start, end, strand = place
    gene, transcript = found.get("gene_id", ""), found.get("transcript_id", "")
    name = found.get("gene_name") or found.get("gene") or gene
    if kind == "gene" or not transcript:
        node = nodes.get(contig, f"gene {gene}", strand)
        node.name, node.label = name, gene
        if part:
            nodes.add_part(node, kind, start, end)
        else:
            node.span = start, end
        return
    node = nodes.get(contig, f"transcript {transcript}", strand)
    if not node.label:
        node.name, node.label = name or transcript, transcript
        if gene:
            nodes.get(contig, f"gene {gene}", strand).inner = True
    if part:
        nodes.add_part(node, kind, start, end)
    else:
        node.span = start, end


def _add_gff3(
    nodes: _Nodes, place: Place, kind: str, found: dict[str, str], *, part: bool, number: int
) -> None:
    contig, start, end, strand = place
    parents = [key for key in found.get("Parent", "").split(",") if key]
    if part:
        for key in parents:
            nodes.add_part(nodes.get(contig, key, strand), kind, start, end)
        return
    key = found.get("ID") or f"line {number}"
    node = nodes.get(contig, key, strand)
    own = found.get("gene_name") or found.get("gene") or found.get("Name")
    node.name = own or PREFIX.sub("", key)
    node.label, node.strand = PREFIX.sub("", key), strand
    node.span = _join(node.span, (start, end))
    if parents:
        node.parent = parents[0]
        nodes.get(contig, parents[0], strand).inner = True


def _join(one: tuple[int, int] | None, other: tuple[int, int]) -> tuple[int, int]:
    return other if one is None else (min(one[0], other[0]), max(one[1], other[1]))


def _finish(nodes: _Nodes) -> Iterator[Transcript]:
    """Yield what has exons, and genes that have neither exons nor transcripts."""
    for (contig, key), node in nodes.found.items():
        parts = node.exons if node.exons is not None else node.pieces
        if parts is not None:
            blocks = _merge(parts)
            node.exons = node.pieces = None
        elif node.span and not node.inner:
            blocks = (node.span,)
        else:
            continue
        gene = _find_gene(nodes, contig, node)
        label = node.label or PREFIX.sub("", key)  # a part may name what has no line of its own
        coding = node.coding
        if coding:  # inside of the exons, whatever the file says
            low, high = max(coding[0], blocks[0][0]), min(coding[1], blocks[-1][1])
            coding = (low, high) if low < high else None
        yield Transcript(contig, node.strand, gene or label, label, blocks, coding)


def _find_gene(nodes: _Nodes, contig: str, node: _Node) -> str:
    """Name of a transcript's gene: that of its first ancestor."""
    name = node.name
    for _ in range(DEEP):
        above = nodes.found.get((contig, node.parent)) if node.parent else None
        if above is None:
            break
        node, name = above, above.name or name
    return name


def _merge(parts: "array[int]") -> Blocks:
    """Join intervals that overlap or touch."""
    ordered = sorted(zip(parts[::2], parts[1::2], strict=True))
    blocks = [ordered[0]]
    for start, end in ordered[1:]:
        if start <= blocks[-1][1]:
            blocks[-1] = blocks[-1][0], max(end, blocks[-1][1])
        else:
            blocks.append((start, end))
    return tuple(blocks)
