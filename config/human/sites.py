"""Write the splice sites of chromosome 20 as BED files, from SpliceAI's table of exons.

Usage: python -m config.human.sites FOLDER

Reads grch37.txt in the folder, where fetch.py put it, and writes beside it

- acceptors.bed and donors.bed: one base a site, with the gene's name and strand;
- genes.bed: bodies of the genes of three exons or more, inside which the sites are evaluated;
- transcripts.bed: all genes with their exons, for the page;
- stretch.bed: the gene-dense stretch that the demo predicts; no gene crosses its borders;
- whole.bed: the whole chromosome.

A file that has these bytes already is left as it is, so that no job of a finished run is repeated.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from config.human.fetch import LENGTH
from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError

TABLE = "grch37.txt"
CONTIG = "20"
STRETCH = (42_820_000, 44_780_000)
LEAST_EXONS = 3


@dataclass(frozen=True)
class Gene:
    """One row of the table.

    Attributes
    ----------
    name : str
    strand : str
        `+` or `-`.
    start, end : int
        The gene's body, 0-based, half-open.
    exons : tuple of (int, int)
        Ascending along the chromosome, 0-based, half-open.
    """

    name: str
    strand: str
    start: int
    end: int
    exons: tuple[tuple[int, int], ...]

    @property
    def acceptors(self) -> list[int]:
        """First bases of exons in the direction of transcription; the first exon has none."""
        return self._starts if self.strand == "+" else self._ends

    @property
    def donors(self) -> list[int]:
        """Last bases of exons in the direction of transcription; the last exon has none."""
        return self._ends if self.strand == "+" else self._starts

    @property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.exons[1:]]

    @property
    def _ends(self) -> list[int]:
        return [end - 1 for _, end in self.exons[:-1]]


def read_genes(path: Path, contig: str) -> list[Gene]:
    """Read the genes of one contig from SpliceAI's table.

    The table is tab-separated: name, contig, strand, start and end of the gene, and starts and ends
    of its exons, separated by commas. Starts are 0-based, ends are not included.

    Raises
    ------
    UserError
        For the first row of another form.
    """
    genes = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#"):
                continue
            try:
                name, where, strand, *numbers = line.rstrip("\n").split("\t")
                if where == contig:
                    genes.append(_make_gene(name, strand, *numbers))
            except (ValueError, TypeError) as error:
                raise UserError(f"{path}:{number}: not a row of exons: {error}") from None
    return genes


def _make_gene(name: str, strand: str, start: str, end: str, starts: str, ends: str) -> Gene:
    exons = tuple(zip(_split(starts), _split(ends), strict=True))
    borders = [int(start), *(border for exon in exons for border in exon), int(end)]
    if strand not in ("+", "-") or not exons or borders != sorted(borders):
        raise ValueError("strand, or order of the exons")
    return Gene(name, strand, int(start), int(end), exons)


def _split(numbers: str) -> list[int]:
    return [int(number) for number in numbers.rstrip(",").split(",")]


def write_files(folder: Path) -> list[str]:
    """Write the BED files; return a line for each that says what it holds."""
    genes = read_genes(folder / TABLE, CONTIG)
    long = [gene for gene in genes if len(gene.exons) >= LEAST_EXONS]
    rows = {
        # Genes of fewer exons are not evaluated, but where they overlap, their sites are sites.
        "acceptors": [(at, at + 1, gene) for gene in genes for at in gene.acceptors],
        "donors": [(at, at + 1, gene) for gene in genes for at in gene.donors],
        "genes": [(gene.start, gene.end, gene) for gene in long],
    }
    lines = []
    for name, found in rows.items():
        _write_if_new(folder / f"{name}.bed", _format(found))
        inside = [row for row in found if STRETCH[0] <= row[0] and row[1] <= STRETCH[1]]
        plus = sum(gene.strand == "+" for _, _, gene in inside)
        lines.append(
            f"{folder / name}.bed: {len(found):,}; in the stretch {plus} on the plus strand and "
            f"{len(inside) - plus} on the minus strand"
        )
    rows_of_genes = sorted((gene.start, gene.end, format_gene(gene)) for gene in genes)
    _write_if_new(folder / "transcripts.bed", "".join(row for _, _, row in rows_of_genes))
    lines.append(f"{folder / 'transcripts.bed'}: {len(genes):,} genes with their exons")
    for name, (start, end) in {"stretch": STRETCH, "whole": (0, LENGTH)}.items():
        _write_if_new(folder / f"{name}.bed", f"{CONTIG}\t{start}\t{end}\n")
        lines.append(f"{folder / name}.bed: {CONTIG}:{start:,}-{end:,}")
    return lines


def format_gene(gene: Gene) -> str:
    """A row of BED12: the exons are blocks; the table does not say what is coding."""
    sizes = "".join(f"{end - start}," for start, end in gene.exons)
    starts = "".join(f"{start - gene.exons[0][0]}," for start, _ in gene.exons)
    first, last = gene.exons[0][0], gene.exons[-1][1]
    columns = [CONTIG, first, last, gene.name, 0, gene.strand, last, last, 0]
    return "\t".join(map(str, [*columns, len(gene.exons), sizes, starts])) + "\n"


def _format(rows: Iterable[tuple[int, int, Gene]]) -> str:
    lines = [(start, end, gene.name, gene.strand) for start, end, gene in rows]
    return "".join(
        f"{CONTIG}\t{start}\t{end}\t{name}\t0\t{strand}\n"
        for start, end, name, strand in sorted(lines)
    )


def _write_if_new(path: Path, text: str) -> None:
    if path.is_file() and path.read_bytes() == text.encode():
        return
    with write_atomically(path) as file:
        file.write(text.encode())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of grch37.txt, and of the BED files")
    try:
        lines = write_files(parser.parse_args(arguments).folder)
    except (UserError, OSError) as error:
        print(f"sites.py: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
