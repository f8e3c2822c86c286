"""Splice sites of the exons in a GFF3 or GTF file: their ends, but not those of a transcript."""

from collections.abc import Callable, Iterator
from pathlib import Path

from genometracks.errors import UserError
from genometracks.evaluation.features import Feature, read_features

__all__ = ["JUNCTIONS", "find_junctions"]

JUNCTIONS = ("acceptor", "donor")

Transcript = tuple[str, str, str]
"""Contig, strand and id: annotations repeat ids on chromosomes X and Y."""


def find_junctions(path: Path, *, at: str, key: str, feature: str | None) -> Iterator[Feature]:
    """Yield the acceptors or the donors of a file's exons, as features of one base.

    The file is read twice, so that only the transcripts are held in memory.

    Parameters
    ----------
    path : Path
    at : str
        `acceptor`: the first base of every exon that is not the first of its transcript, or
        `donor`: the last base of every exon that is not the last, both on the transcript's strand.
    key, feature
        As for `read_features`.

    Raises
    ------
    UserError
        As `read_features`; if an exon has no strand or no transcript, or none has a neighbour.
    """
    outermost: dict[Transcript, int] = {}
    for exon in read_features(path, key=key, feature=feature):
        if feature is None:
            raise UserError(
                f"{path}: is a BED file, without the transcripts that {key}.at: {at} needs: give "
                f"GFF3 or GTF, or set {key}.at to start, end, 5', 3', centre or all"
            )
        base, choose = _find_base(path, exon, at=at, key=key)
        for transcript in _list_transcripts(exon):
            outermost[transcript] = choose(outermost.get(transcript, base), base)
    some = False
    for exon in read_features(path, key=key, feature=feature):
        base, _ = _find_base(path, exon, at=at, key=key)
        if any(outermost.get(each) != base for each in _list_transcripts(exon)):
            some = True
            yield exon._replace(start=base, end=base + 1)
    if not some:
        raise UserError(
            f"{path}: no transcript has two or more features of the type {feature}, between which "
            f"{key}.at: {at} lies: check {key}.feature"
        )


def _find_base(
    path: Path, exon: Feature, *, at: str, key: str
) -> tuple[int, Callable[[int, int], int]]:
    """The base of an exon, and which of a transcript's bases is not a splice site."""
    if exon.strand not in ("+", "-") or not exon.parents:
        lacks = "transcript_id or Parent in column 9" if exon.strand in ("+", "-") else "strand"
        raise UserError(
            f"{path}:{exon.line}: has no {lacks}, which {key}.at: {at} needs: add it, or give a "
            "file of the sites themselves"
        )
    first = (at == "acceptor") == (exon.strand == "+")
    return (exon.start, min) if first else (exon.end - 1, max)


def _list_transcripts(exon: Feature) -> list[Transcript]:
    return [(exon.contig, exon.strand or "", parent) for parent in exon.parents]
