"""A FASTA of any layout gives the same bases; an invalid one gives one clear error."""

import gzip
import hashlib

import pytest
from pyfaidx import Fasta

from genometracks.errors import UserError
from genometracks.inputs.fasta import BLOCK
from genometracks.inputs.genome import Contig, GenomeIndex, scan_fasta
from toys import write_fasta


def scan(tmp_path, data: bytes, patterns=("*",), name: str = "in.fa"):
    fasta = tmp_path / name
    fasta.write_bytes(data)
    return scan_fasta(fasta, tmp_path / "out.fa", name="g", patterns=list(patterns))


def test_contigs_are_listed_in_the_order_of_the_file(tmp_path, contigs):
    fasta = write_fasta(tmp_path / "in.fa", contigs)
    index = scan_fasta(fasta, tmp_path / "out.fa", name="g", patterns=["*"])
    assert [(contig.name, contig.length) for contig in index.contigs] == [
        (name, len(sequence)) for name, sequence in contigs.items()
    ]


def test_runs_of_n_are_maximal_and_include_iupac_codes(tmp_path):
    index = scan(tmp_path, b">a\nNNAC\nGNRN\n>b\nACGT\n>c\nNNNN\n")
    assert [contig.gaps for contig in index.contigs] == [((0, 2), (5, 8)), (), ((0, 4),)]


def test_a_run_of_n_across_blocks_is_one_run(tmp_path):
    index = scan(tmp_path, b">a\n" + b"A" * (BLOCK - 10) + b"N" * 20 + b"A")
    assert index.contigs[0].gaps == ((BLOCK - 10, BLOCK + 10),)


def test_pyfaidx_reads_the_normalised_file_and_its_index(tmp_path, contigs):
    scan_fasta(
        write_fasta(tmp_path / "in.fa", contigs), tmp_path / "out.fa", name="g", patterns=["*"]
    )
    oracle = Fasta(str(tmp_path / "out.fa"), rebuild=False)
    for name, sequence in contigs.items():
        expected = "".join(base if base in "ACGT" else "N" for base in sequence.upper())
        assert str(oracle[name][:]) == expected


def test_samtools_index_equals_ours(tmp_path, contigs):
    pysam = pytest.importorskip("pysam")
    scan_fasta(
        write_fasta(tmp_path / "in.fa", contigs), tmp_path / "out.fa", name="g", patterns=["*"]
    )
    ours = (tmp_path / "out.fa.fai").read_text()
    (tmp_path / "out.fa.fai").unlink()
    pysam.faidx(str(tmp_path / "out.fa"))
    assert (tmp_path / "out.fa.fai").read_text() == ours


@pytest.mark.parametrize(
    "layout",
    ["crlf", "uneven lines", "blank lines", "no last line end", "one line", "gzip", "bgzip"],
)
def test_the_layout_of_the_file_does_not_matter(tmp_path, contigs, layout):
    reference = scan_fasta(
        write_fasta(tmp_path / "plain.fa", contigs), tmp_path / "a.fa", name="g", patterns=["*"]
    )
    fasta = write_fasta(tmp_path / "in.fa", contigs)
    text = fasta.read_bytes()
    if layout == "crlf":
        fasta.write_bytes(text.replace(b"\n", b"\r\n") + b"\r\n")
    elif layout == "uneven lines":
        fasta.write_bytes(text.replace(b"ACG", b"A\nCG"))
    elif layout == "blank lines":
        fasta.write_bytes(b"\n\n" + text.replace(b"\n>", b"\n\n\n>") + b"\n \n")
    elif layout == "no last line end":
        fasta.write_bytes(text.rstrip())
    elif layout == "one line":
        write_fasta(fasta, contigs, width=10**6)
    elif layout == "gzip":
        fasta.write_bytes(gzip.compress(text[:700]) + gzip.compress(text[700:]))
    else:
        pysam = pytest.importorskip("pysam")
        pysam.tabix_compress(str(fasta), str(tmp_path / "in.fa.gz"))
        fasta = tmp_path / "in.fa.gz"
    index = scan_fasta(fasta, tmp_path / "b.fa", name="g", patterns=["*"])
    assert index.contigs == reference.contigs
    assert (tmp_path / "b.fa").read_bytes() == (tmp_path / "a.fa").read_bytes()
    assert index.sha256 == hashlib.sha256(fasta.read_bytes()).hexdigest()


@pytest.mark.parametrize("shift", [-3, -2, -1, 0, 1])
def test_a_header_across_blocks_is_whole(tmp_path, shift):
    before = b">first\n" + b"A" * (BLOCK - 8 + shift)
    index = scan(tmp_path, before + b"\n>second words\nACGT\n")
    assert [(contig.name, contig.length) for contig in index.contigs] == [
        ("first", BLOCK - 8 + shift),
        ("second", 4),
    ]


def test_only_chosen_contigs_are_kept(tmp_path):
    index = scan(tmp_path, b">chr1\nAC\n>chrM\nGG\n>chr2\nT\n>other\nA\n", ["chr[0-9]", "other"])
    assert [contig.name for contig in index.contigs] == ["chr1", "chr2", "other"]
    assert b"GG" not in (tmp_path / "out.fa").read_bytes()


def test_an_index_survives_json(tmp_path):
    index = scan(tmp_path, b">a\nNNACG\n")
    index.save(tmp_path / "genome.json")
    assert GenomeIndex.load(tmp_path / "genome.json") == index
    assert index.contigs[0].sha256 == hashlib.sha256(b"NNACG").hexdigest()


def test_genome_json_is_one_line(tmp_path):
    index = scan(tmp_path, b">a\nNNACG\n")
    index.save(tmp_path / "genome.json")
    contig = (
        f'{{"name": "a", "length": 5, "gaps": [[0, 2]], "sha256": "{index.contigs[0].sha256}"}}'
    )
    assert (tmp_path / "genome.json").read_text() == (
        f'{{"format": 1, "name": "g", "source": "{tmp_path}/in.fa", "sha256": "{index.sha256}", '
        f'"contigs": [{contig}]}}\n'
    )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text[:-20], "Expecting|Unterminated"),
        (lambda text: text.replace(": 5", ': "5"'), "Expected `int`, got `str` - at `.*length`"),
        (lambda text: text.replace('"format": 1', '"format": 9'), "format version 9, expected 1"),
        (lambda text: "[" * 10_000, "maximum recursion depth exceeded"),
        (lambda text: "", "Expecting value"),
    ],
)
def test_a_damaged_genome_json_is_a_one_line_error(tmp_path, damage, reason):
    path = tmp_path / "genome.json"
    GenomeIndex("g", "in.fa", "", (Contig("a", 5, ((0, 2),), ""),)).save(path)
    path.write_text(damage(path.read_text()))
    message = rf"^{path}: no usable genome index \(.*({reason}).*\): delete it and run again$"
    with pytest.raises(UserError, match=message):
        GenomeIndex.load(path)


@pytest.mark.parametrize(
    ("data", "patterns", "message"),
    [
        (b"", ["*"], r"in.fa: the file has no contigs: a FASTA starts with '>'"),
        (b"\n\n", ["*"], r"in.fa: the file has no contigs"),
        (b"ACGT\n", ["*"], r"in.fa: not a FASTA file: it starts with b'ACGT"),
        (b">a\n>b\n", ["*"], r"in.fa: the selected contigs have no bases: check genome.contigs"),
        (b">a\nAC\n>b\nA\n>a\nG\n", ["*"], r"in.fa: two contigs are named 'a': rename"),
        (
            b">a\nAC\n>b\nA\n",
            ["chr*"],
            r"'chr\*' matches no contig of .*in.fa, which has a, b",
        ),
        (
            b">a\nA1C\n",
            ["*"],
            r"in.fa: contig 'a' contains characters that are not letters: remove them",
        ),
        (b"> a\nAC\n", ["*"], r"in.fa: a contig has no name: write it directly after the '>'"),
        (
            gzip.compress(b">a\nACGT\n" * 99, mtime=0)[:-20],
            ["*"],
            r"in.fa: cannot be read: .*: copy it again",
        ),
    ],
)
def test_an_invalid_fasta_is_refused_and_leaves_nothing(tmp_path, data, patterns, message):
    with pytest.raises(UserError, match=message):
        scan(tmp_path, data, patterns)
    assert [path.name for path in tmp_path.iterdir()] == ["in.fa"]


def test_a_missing_fasta_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone.fa: no such FASTA file: check genome.fasta"):
        scan_fasta(tmp_path / "gone.fa", tmp_path / "out.fa", name="g", patterns=["*"])
