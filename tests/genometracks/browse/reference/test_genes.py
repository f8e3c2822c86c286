"""Genes of GFF3, GTF and BED files as rows of a bigBed."""

import gzip
import re
import time
from pathlib import Path

import pyBigWig
import pytest

from genometracks.browse.reference import gff, transcripts
from genometracks.browse.reference.genes import write_genes
from genometracks.errors import UserError

LENGTHS = {"chr1": 1000, "chr2": 500, "empty": 0}


def write(tmp_path: Path, text: str, *, lengths=LENGTHS, aliases=None, name="genes.gff") -> dict:
    """Write an annotation and read the bigBed that is made of it: contig -> rows of columns."""
    path = tmp_path / name
    path.write_text(text)
    out = tmp_path / "genes.bb"
    write_genes(path, out, lengths=lengths, aliases=aliases or {})
    reader = pyBigWig.open(str(out))
    return {
        contig: [(a, b, *rest.split("\t")) for a, b, rest in found]
        for contig, length in reader.chroms().items()
        if (found := reader.entries(contig, 0, length))
    }


def line(kind, start, end, attributes, *, contig="chr1", strand="+"):
    """A line of GFF."""
    return f"{contig}\thand\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


ROW = (10, 100, "ABC", "0", "-", "15", "60", "0", "2", "20,40,", "0,50,", "T1")


def test_a_gtf_transcript_has_exons_a_coding_part_and_the_name_of_its_gene(tmp_path):
    one = 'gene_id "G1"; transcript_id "T1"; gene_name "ABC";'
    text = (
        "#!genome-build toy\n"
        + line("gene", 11, 100, 'gene_id "G1"; gene_name "ABC";', strand="-")
        + line("transcript", 11, 100, one, strand="-")
        + line("exon", 61, 100, one, strand="-")
        + line("CDS", 16, 30, one, strand="-")
        + line("exon", 11, 30, one, strand="-")
        + line("CDS", 61, 60, one, strand="-").replace("61\t60", "51\t60")
        + line("start_codon", 58, 60, one, strand="-")
    )
    assert write(tmp_path, text) == {"chr1": [ROW]}


def test_a_gff3_transcript_has_the_same_row(tmp_path):
    text = (
        "##gff-version 3\n"
        + line("region", 1, 1000, "ID=chr1")
        + line("exon", 61, 100, "Parent=transcript:T1", strand="-")  # before its transcript
        + line("gene", 11, 100, "ID=gene:G1;Name=ABC", strand="-")
        + line("mRNA", 11, 100, "ID=transcript:T1;Parent=gene:G1;Name=ABC-201", strand="-")
        + line("exon", 11, 30, "ID=e1;Parent=transcript:T1", strand="-")
        + line("CDS", 16, 60, "ID=c1;Parent=transcript:T1", strand="-")
        + "##FASTA\n>chr1\nACGT\n"
    )
    assert write(tmp_path, text) == {"chr1": [ROW]}


def test_a_gzip_file_gives_the_same_row(tmp_path):
    path = tmp_path / "a.gtf.gz"
    one = 'gene_id "G1"; transcript_id "T1"; gene_name "ABC";'
    text = line("exon", 11, 30, one, strand="-") + line("exon", 61, 100, one, strand="-")
    path.write_bytes(gzip.compress((text + line("CDS", 16, 60, one, strand="-")).encode()))
    write_genes(path, tmp_path / "g.bb", lengths=LENGTHS, aliases={})
    ((low, high, rest),) = pyBigWig.open(str(tmp_path / "g.bb")).entries("chr1", 0, 1000)
    assert (low, high, *rest.split("\t")) == ROW


def test_an_exon_of_two_transcripts_is_part_of_both(tmp_path):
    text = (
        line("gene", 1, 90, "ID=g;Name=ABC")
        + line("mRNA", 1, 50, "ID=a;Parent=g")
        + line("mRNA", 1, 90, "ID=b;Parent=g")
        + line("exon", 1, 20, "Parent=a,b")
        + line("exon", 31, 50, "Parent=a")
        + line("exon", 81, 90, "Parent=b")
    )
    rows = write(tmp_path, text)["chr1"]
    assert [(row[2], row[-1], row[9], row[10]) for row in rows] == [
        ("ABC", "a", "20,20,", "0,30,"),
        ("ABC", "b", "20,10,", "0,80,"),
    ]


def test_exons_are_joined_from_coding_and_untranslated_parts_if_there_are_none(tmp_path):
    text = (
        line("mRNA", 1, 60, "ID=a")
        + line("five_prime_UTR", 1, 10, "Parent=a")
        + line("CDS", 11, 20, "Parent=a")
        + line("CDS", 41, 50, "Parent=a")
        + line("three_prime_UTR", 51, 60, "Parent=a")
    )
    (row,) = write(tmp_path, text)["chr1"]
    assert row == (0, 60, "a", "0", "+", "10", "50", "0", "2", "20,20,", "0,40,", "a")


def test_genes_without_transcripts_are_one_block(tmp_path):
    text = (
        line("gene", 11, 20, 'gene_id "G1"; gene_name "lone";')
        + line("gene", 31, 40, 'gene_id "G2";', strand="-")
        + line("CDS", 33, 38, 'gene_id "G2";', strand="-")
    )
    assert [row[:5] + row[-3:] for row in write(tmp_path, text)["chr1"]] == [
        (10, 20, "lone", "0", "+", "10,", "0,", "G1"),
        (32, 38, "G2", "0", "-", "6,", "0,", "G2"),
    ]


def test_a_bacterial_gff3_has_coding_parts_below_genes(tmp_path):
    text = line("gene", 11, 40, "ID=gene-b0001;Name=thrL") + line(
        "CDS", 11, 40, "ID=cds-1;Parent=gene-b0001;Name=NP_1"
    )
    (row,) = write(tmp_path, text)["chr1"]
    assert row == (10, 40, "thrL", "0", "+", "10", "40", "0", "1", "30,", "0,", "b0001")


def test_bed_rows_keep_their_blocks(tmp_path):
    text = (
        "track name=x\n"
        "chr1\t10\t100\tABC\t1200\t-\t15\t60\t0,0,255\t2\t20,40,\t0,50,\textra\n"
        "chr1 5 9 spaced\n"
        "chr2\t0\t500\n"
        "chr2\t1\t2\tn\t.\t+\t1\t1\n"
    )
    assert write(tmp_path, text) == {
        "chr1": [
            (5, 9, "spaced", "0", ".", "5", "5", "0", "1", "4,", "0,", "spaced"),
            (10, 100, "ABC", "1000", "-", "15", "60", "0", "2", "20,40,", "0,50,", "ABC"),
        ],
        "chr2": [
            (0, 500, ".", "0", ".", "0", "0", "0", "1", "500,", "0,", "."),
            (1, 2, "n", "0", "+", "1", "1", "0", "1", "1,", "0,", "n"),
        ],
    }


def test_names_are_one_line_of_text_without_markup(tmp_path):
    name = "a%3Cscript%3E%09b%0Ac%22" + "x" * 300
    (row,) = write(tmp_path, line("gene", 1, 9, f"ID=g;Name={name}"))["chr1"]
    assert row[2].startswith("a‹script› b c'xxx")
    assert len(row[2]) == 200 and len(row) == 12


def test_an_annotation_may_have_the_other_names_of_contigs(tmp_path, caplog):
    caplog.set_level("INFO")
    text = line("gene", 1, 9, "ID=g", contig="1") + line("gene", 1, 9, "ID=h", contig="7")
    rows = write(tmp_path, text, aliases={"chr1": "1"})
    assert list(rows) == ["chr1"] and len(rows["chr1"]) == 1
    path = tmp_path / "genes.gff"
    assert caplog.messages == [
        f"{path}: 1 lines are on contigs that are not in the run (7)",
        f"{path}: 1 transcripts",
    ]


def test_the_order_of_lines_does_not_matter(tmp_path):
    one, two = (f'gene_id "G"; transcript_id "T{i}";' for i in (1, 2))
    lines = [
        line("exon", 1, 20, one),
        line("exon", 1, 20, two),
        line("exon", 41, 50, one),
        line("gene", 1, 50, 'gene_id "G";'),
    ]
    assert write(tmp_path, "".join(lines)) == write(tmp_path, "".join(reversed(lines)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "genes.gff: has no features: check genome.annotation"),
        ("a b\n", "genes.gff:1: neither BED (contig, start, end) nor GFF (9 columns, by tabs): "
         "check genome.annotation"),
        (line("match", 1, 9, "ID=m"), "genes.gff: has no genes, transcripts or exons: check "
         "genome.annotation"),
        (line("gene", 1, 9, "ID=g", contig="1") + line("gene", 1, 9, "ID=h", contig="X"),
         "genes.gff: none of its contigs (1, X) is in the genome, which has chr1, chr2: check "
         "genome.annotation, or give its names in genome.aliases"),
        (line("gene", 900, 1001, "ID=g"), "genes.gff:1: chr1:899-1001 is not an interval of the "
         "contig, which has 1,000 bp: set genome.annotation to a file of the same assembly"),
        (line("gene", 9, 1, "ID=g"), "genes.gff:1: chr1:8-1 is not an interval of the contig"),
        (line("gene", 1, 9, "ID=g") + "chr1\t5\t9\n", "genes.gff:2: not a GFF line, as the first "
         "one is: its columns 4 and 5 must be start and end"),
        ("chr1\t5\t9\n" + line("gene", 1, 9, "ID=g"), "genes.gff:2: not a BED line, as the first "
         "one is: its columns 2 and 3 must be start and end"),
        ("chr1\t10\t100\tn\t0\t+\t5\t60\n", "genes.gff:1: chr1:10-100: its thick part 5-60 lies "
         "outside: correct genome.annotation"),
        ("chr1\t10\t100\tn\t0\t+\tx\t60\n", "genes.gff:1: chr1:10-100: its thick part (columns 7 "
         "and 8) is not a pair of numbers"),
        ("chr1\t10\t100\tn\t0\t+\t10\t60\t0\t2\t20,40,\t0,\n", "genes.gff:1: chr1:10-100: its "
         "blocks (columns 10 to 12) must ascend, not overlap, and begin and end with the row: "
         "correct genome.annotation"),
        ("chr1\t10\t100\tn\t0\t+\t10\t60\t0\t2\t60,40,\t0,50,\n", "must ascend, not overlap"),
        ("chr1\t10\t100\tn\t0\t+\t10\t60\t0\tx\t60,40,\t0,50,\n", "must ascend, not overlap"),
        ("chr1\t10\t100\tn\t0\t+\t10\t60\t0\t0\t,\t,\n", "must ascend, not overlap"),
    ],
)  # fmt: skip
def test_a_bad_annotation_is_refused(tmp_path, text, message):
    with pytest.raises(UserError, match=re.escape(message)):
        write(tmp_path, text)
    assert not (tmp_path / "genes.bb").exists()


def test_a_missing_or_damaged_file_is_refused(tmp_path):
    path = tmp_path / "no.gff"
    with pytest.raises(UserError, match="no.gff: cannot be read: .*: check genome.annotation"):
        write_genes(path, tmp_path / "g.bb", lengths=LENGTHS, aliases={})
    path.write_bytes(gzip.compress(line("gene", 1, 9, "ID=g").encode())[:-9])
    with pytest.raises(UserError, match="no.gff: cannot be read: .*: check genome.annotation"):
        write_genes(path, tmp_path / "g.bb", lengths=LENGTHS, aliases={})


def test_more_genes_than_fit_into_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(gff, "MOST", 2)
    monkeypatch.setattr(transcripts, "MOST", 2)
    text = "".join(line("gene", i, i + 1, f"ID=g{i}") for i in range(1, 4))
    with pytest.raises(UserError, match="has more than 2 genes and transcripts on contigs of"):
        write(tmp_path, text)
    with pytest.raises(UserError, match="has more than 2 rows on contigs of the run: set genome"):
        write(tmp_path, "chr1\t1\t2\n" * 3)
    monkeypatch.setattr(gff, "MOST_PARTS", 2)
    text = "".join(line("exon", i, i + 1, "Parent=a") for i in range(1, 4))
    with pytest.raises(UserError, match="has more than 2 exons and parts of exons on contigs"):
        write(tmp_path, text)


@pytest.mark.parametrize("filler", [" ", "a", '"', "a ", 'a "', ";", "=", ";a", ",", "%41"])
def test_long_attributes_are_read_in_one_pass(tmp_path, filler):
    """A pattern that begins again at each character would take hours for these lines."""
    long = filler * (900_000 // len(filler))
    begun = time.monotonic()
    write(tmp_path, line("gene", 1, 9, f"ID=a;x={long}") + line("exon", 1, 9, long))
    write(tmp_path, line("gene", 1, 9, f'gene_id "a"; {long}') + line("exon", 1, 9, long))
    assert time.monotonic() - begun < 20


def test_genes_that_are_their_own_parents_end(tmp_path):
    text = line("gene", 1, 9, "ID=a;Parent=b") + line("mRNA", 1, 9, "ID=b;Parent=a")
    text += line("exon", 1, 9, "Parent=a")
    assert [row[2] for row in write(tmp_path, text)["chr1"]] == ["a"]
