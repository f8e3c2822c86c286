"""Tables of the names that contigs have at UCSC."""

import re

import pytest

from genometracks.browse.aliases import read_aliases
from genometracks.errors import UserError

LENGTHS = {"1": 100, "2": 50, "MT": 16}


def read(tmp_path, text):
    path = tmp_path / "aliases.tsv"
    path.write_text(text)
    return read_aliases(path, lengths=LENGTHS)


def test_contigs_of_the_run_get_their_names(tmp_path):
    text = "# fasta\tucsc\n1\tchr1\n\nMT\tchrM\t16\nX\tchrX\t9\n2\tchr2\tnote\n"
    assert read(tmp_path, text) == {"1": "chr1", "MT": "chrM", "2": "chr2"}


def test_a_contig_that_the_table_lacks_keeps_its_name(tmp_path):
    assert read(tmp_path, "1\tchr1\r\n") == {"1": "chr1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\tchr1\n1\tchr2\n", "aliases.tsv:2: contig 1 has a second name chr2: keep one of its "
         "lines"),
        ("1\tchr1\n2\tchr1\n", "aliases.tsv: contigs 1 and 2 would both be chr1: correct the "
         "table, or genome.aliases"),
        ("1\t2\n", "aliases.tsv: contigs 1 and 2 would both be 2: correct the table"),
        ("1\tchr1\t99\n", "aliases.tsv:1: chr1 has 99 bp, but contig 1 of the genome has 100 bp: "
         "give genome.aliases the table of the same assembly"),
        ("chrA\tx\nchrB\ty\n", "aliases.tsv: its first column (chrA, chrB) has no contig of the "
         "genome, which has 1, 2, MT: correct the table, or genome.aliases"),
        ("", "aliases.tsv: its first column (empty) has no contig of the genome"),
        ("1 chr1\n", "aliases.tsv:1: needs a contig and its name at UCSC, with a tab between them "
         "and without spaces or colons: correct the line, or genome.aliases"),
        ("1\t\n", "aliases.tsv:1: needs a contig and its name"),
        ("1\tchr 1\n", "aliases.tsv:1: needs a contig and its name"),
        ("1\tchr\x1b1\n", "aliases.tsv:1: needs a contig and its name"),
        (f"1\t{'c' * 256}\n", "aliases.tsv:1: needs a contig and its name"),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused(tmp_path, text, message):
    with pytest.raises(UserError, match=re.escape(message)):
        read(tmp_path, text)


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(UserError, match="no.tsv: cannot be read: .*: check genome.aliases"):
        read_aliases(tmp_path / "no.tsv", lengths=LENGTHS)
