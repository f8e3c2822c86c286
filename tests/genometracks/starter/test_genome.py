"""What is found out about a FASTA: contigs by its index or by reading it, and patterns."""

import gzip
import os

import pytest

from genometracks.errors import UserError
from genometracks.inputs.fasta import read_lengths
from genometracks.starter.genome import inspect_genome, suggest_patterns
from toys import random_bases, write_fasta

CONTIGS = {"chr1": random_bases(130, seed=1), "b|c": random_bases(60, seed=2), "empty": ""}
LENGTHS = (("chr1", 130), ("b|c", 60), ("empty", 0))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_fasta_without_index_is_read(tmp_path, end, packed):
    path = write_fasta(tmp_path / "g.fa", CONTIGS, end=end)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    genome = inspect_genome(str(path))
    assert genome.contigs == LENGTHS and genome.bases == 190 and genome.index is None
    assert genome.form == ("gzip" if packed else "plain") and genome.patterns == ("*",)
    assert genome.bytes == path.stat().st_size


def test_lengths_do_not_depend_on_the_blocks_that_are_read(tmp_path, monkeypatch):
    path = write_fasta(tmp_path / "g.fa", CONTIGS)
    for block in (1, 7, 61, 64):
        monkeypatch.setattr("genometracks.inputs.fasta.BLOCK", block)
        assert tuple(read_lengths(path)) == LENGTHS


def test_bgzip_is_told_from_gzip(tmp_path):
    path = tmp_path / "g.fa.gz"
    block = gzip.compress(b">a\nACGT\n")
    extra = b"\x06\x00BC\x02\x00\x00\x00"
    path.write_bytes(block[:3] + b"\x04" + block[4:10] + extra + block[10:])
    genome = inspect_genome(str(path))
    assert genome.form == "bgzip" and genome.contigs == (("a", 4),)


def test_an_index_is_used_instead_of_the_fasta(tmp_path):
    path = write_fasta(tmp_path / "g.fa", {"a": "ACGT"})
    (tmp_path / "g.fa.fai").write_text("chr1\t248956422\t6\t60\t61\nchr2\t100\t9\t60\t61\n")
    genome = inspect_genome(str(path))
    assert genome.contigs == (("chr1", 248_956_422), ("chr2", 100)) and genome.index == "g.fa.fai"


@pytest.mark.parametrize(
    "index", ["", "a\n", "a\tx\t1\t2\t3\n", "a\t-1\t1\t2\t3\n", "\x1b[2J\t1\t1\t2\t3\n", "a\t" * 5]
)
def test_a_damaged_index_is_not_used(tmp_path, index, caplog):
    path = write_fasta(tmp_path / "g.fa", {"a": "ACGT"})
    (tmp_path / "g.fa.fai").write_text(index)
    genome = inspect_genome(str(path))
    assert genome.contigs == (("a", 4),) and genome.index is None
    assert caplog.messages == [f"{path}.fai: not an index of a FASTA, which is read instead"]


def test_an_old_index_is_not_used(tmp_path, caplog):
    path = write_fasta(tmp_path / "g.fa", {"a": "ACGT"})
    index = tmp_path / "g.fa.fai"
    index.write_text("b\t9\t3\t4\t5\n")
    os.utime(index, (1, 1))
    assert inspect_genome(str(path)).contigs == (("a", 4),)
    assert caplog.messages == [f"{index}: older than the FASTA, which is read instead"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory: check --fasta"),
        (b"", "the file has no contigs: a FASTA starts with '>' and a name"),
        (b"run: a\n", "not a FASTA file: it starts with b'run: a"),
        (b"> \nACGT\n", "a contig has no name: write it directly after the '>'"),
        (b">a\x1b[2J\nACGT\n", "contig 1 is named 'a\\x1b[2J', which has characters that"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read: "),
    ],
)
def test_what_is_not_a_fasta_is_one_error(tmp_path, content, message):
    path = tmp_path / "g.fa"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        inspect_genome(str(path))
    assert str(caught.value).startswith(f"{path}: {message}")
    assert str(caught.value).isprintable()


SCAFFOLDS = tuple((f"chrUn_{i}v1", 50) for i in range(60))


@pytest.mark.parametrize(
    ("contigs", "patterns"),
    [
        (
            (("chr1", 9000), ("chr21", 900), ("chrX", 90), ("chrM", 9), *SCAFFOLDS),
            ("chr[0-9]", "chr[0-9][0-9]", "chrX"),
        ),
        ((("1", 9000), ("22", 900), ("MT", 9), *SCAFFOLDS), ("[0-9]", "[0-9][0-9]")),
        ((("NC_000001.11", 9000), ("NT_1", 9), *SCAFFOLDS), ("NC_*",)),
        ((("chr1", 100), *SCAFFOLDS), ("*",)),  # most of the assembly is in scaffolds
        (SCAFFOLDS, ("*",)),
        ((("chr1", 9000), ("chrUn_1", 5)), ("*",)),  # few
    ],
)
def test_chromosomes_are_suggested_where_there_are_many_contigs(contigs, patterns):
    assert suggest_patterns(contigs) == patterns


@pytest.mark.parametrize("path", ["/dev/zero", "."])
def test_what_is_no_file_is_not_read(path):
    with pytest.raises(UserError, match=f"^{path}: not a file: check --fasta$"):
        inspect_genome(path)


def test_a_pipe_as_index_is_not_opened(tmp_path, caplog):
    path = write_fasta(tmp_path / "g.fa", {"a": "ACGT"})
    os.mkfifo(tmp_path / "g.fa.fai")
    assert inspect_genome(str(path)).index is None
    assert caplog.messages == [f"{path}.fai: not an index of a FASTA, which is read instead"]
