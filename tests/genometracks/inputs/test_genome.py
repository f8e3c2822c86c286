"""A FASTA of any layout gives the same bases; an invalid one gives one clear error."""

import gzip
import hashlib
import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyfaidx import Fasta

from genometracks.cli import main
from genometracks.errors import UserError
from genometracks.inputs.bases import Bases
from genometracks.inputs.fasta import BLOCK
from genometracks.inputs.genome import Contig, GenomeIndex, scan_fasta
from toys import make_words, random_bases, write_fasta

# Human ubiquitin (UniProt P0CG48, residues 1-76).
PROTEIN = b"MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"


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
    [
        *("crlf", "cr", "mixed line ends", "uneven lines", "blank lines", "no last line end"),
        *("one line", "gzip", "bgzip"),
    ],
)
def test_the_layout_of_the_file_does_not_matter(tmp_path, contigs, layout):
    reference = scan_fasta(
        write_fasta(tmp_path / "plain.fa", contigs), tmp_path / "a.fa", name="g", patterns=["*"]
    )
    fasta = write_fasta(tmp_path / "in.fa", contigs)
    text = fasta.read_bytes()
    if layout == "crlf":
        fasta.write_bytes(text.replace(b"\n", b"\r\n") + b"\r\n")
    elif layout == "cr":
        fasta.write_bytes(text.replace(b"\n", b"\r"))
    elif layout == "mixed line ends":
        ends = itertools.cycle([b"\r", b"\n", b"\r\n"])
        fasta.write_bytes(b"".join(line + next(ends) for line in text.splitlines()))
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


@pytest.mark.parametrize("end", [b"\r", b"\r\n"])
@pytest.mark.parametrize("shift", [-2, -1, 0, 1])
def test_a_line_end_across_blocks_is_one(tmp_path, end, shift):
    before = b">first" + end + b"A" * (BLOCK - 6 - len(end) + shift)
    index = scan(tmp_path, before + end + b">second words" + end + b"ACGT" + end)
    assert [(contig.name, contig.length) for contig in index.contigs] == [
        ("first", BLOCK - 6 - len(end) + shift),
        ("second", 4),
    ]


def test_rna_is_read_as_dna_with_one_note(tmp_path, caplog):
    index = scan(tmp_path, b">d\nACGT\n>r\nACGU\n>mixed\nuTuN\n")
    assert (tmp_path / "out.fa").read_text() == ">d\nACGT\n>r\nACGT\n>mixed\nTTTN\n"
    assert [contig.gaps for contig in index.contigs] == [(), (), ((3, 4),)]
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/in.fa: U (RNA) is read as T, 3 times, in 2 contigs, the first of them r"
    ]


def test_ambiguous_and_a_few_foreign_letters_are_n(tmp_path, caplog):
    index = scan(tmp_path, b">a\n" + b"ACGT" * 20 + b"RYkmX-.*NNE\n>b\nACGT\n")
    assert [contig.ambiguous for contig in index.contigs] == [4, 0]
    assert index.contigs[0].gaps == ((80, 91),) and index.contigs[0].unknown == 11
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/in.fa: letters that are no nucleotide code are read as N, 1 times, in a"
    ]
    index.save(tmp_path / "genome.json")
    assert GenomeIndex.load(tmp_path / "genome.json") == index


def test_ambiguous_letters_are_in_the_log_of_the_genome(tmp_path, caplog):
    fasta = write_fasta(tmp_path / "in.fa", {"a": "ACGTNRYACG"})
    caplog.set_level(logging.INFO)
    settings = {"fasta": str(fasta), "name": None, "contigs": ["*"]}
    words = make_words(
        "genome", settings=settings, fasta=tmp_path / "o.fa", out=tmp_path / "o.json"
    )
    assert main(words) == 0
    shown = [record.getMessage() for record in caplog.records]
    assert "1 contigs, 10 bp, 3 of them N; 2 ambiguous letters (20%) are read as N" in shown


@pytest.mark.parametrize(
    "name", ["..", ".", "%", "a=b", "=x", "-x", "~", "a|b:1-2", "chr1", "CHR1", "é", "x" * 999]
)
def test_other_programs_read_contigs_of_any_accepted_name(tmp_path, name):
    pysam = pytest.importorskip("pysam")
    scan(tmp_path, f">{name}\nACGTNN\n>other\nGG\n".encode())
    ours = (tmp_path / "out.fa.fai").read_text()
    assert Bases(tmp_path / "out.fa").codes(name, 0, 5).tolist() == [0, 1, 2, 3, 4]
    assert str(Fasta(str(tmp_path / "out.fa"), rebuild=False)[name][:]) == "ACGTNN"
    (tmp_path / "out.fa.fai").unlink()
    pysam.faidx(str(tmp_path / "out.fa"))
    assert (tmp_path / "out.fa.fai").read_text() == ours


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
            b">a\nAC\n>x\0y z\nAC\n",
            ["*"],
            r"in.fa: contig 2 is named 'x\\x00y', which has characters that cannot be printed: r",
        ),
        (b">a\x7f\nAC\n", ["*"], r"in.fa: contig 1 is named 'a\\x7f', which has characters that"),
        (b">a\x1b[31m\nAC\n", ["*"], r"in.fa: contig 1 is named 'a\\x1b\[31m', which has charact"),
        (">a\u202eb\nAC\n".encode(), ["*"], r"in.fa: contig 1 is named 'a\\u202eb', which has"),
        (">a\u2028b\nAC\n".encode(), ["*"], r"in.fa: contig 1 is named 'a\\u2028b', which has"),
        (">a\x85b\nAC\n".encode(), ["*"], r"in.fa: contig 1 is named 'a\\x85b', which has"),
        (
            b">a\nAC\n>chr\xe9\nAC\n",
            ["*"],
            r"in.fa: contig 2 is named b'chr\\xe9', which is not UTF-8: rename it$",
        ),
        (
            b">a\nAC\n>" + b"x" * 1001 + b"\nAC\n",
            ["*"],
            r"in.fa: contig 2 has a name of 1,001 bytes, of which at most 1,000 are supported: sh",
        ),
        (
            b">a " + b"x" * (1 << 20) + b"\nAC\n",
            ["*"],
            r"in.fa: the header line b'>a x{17}'... is longer than 1,048,576 bytes: shorten it$",
        ),
        (
            b">" + b"x" * (1 << 25),
            ["*"],
            r"in.fa: the header line b'>x{19}'... is longer than 1,048,576 bytes: shorten it$",
        ),
        (b">a\nAC\0G\n", ["*"], r"in.fa: contig 'a' contains characters that are not letters: rem"),
        (
            b">dna\nACGT\n>sp|P1\n" + PROTEIN + b"\n",
            ["*"],
            r"in.fa: contig 'sp\|P1' is not a sequence of nucleotides: 45% of its letters are no "
            r"nucleotide code \(E, F, I, L, P, Q\): check genome.fasta, or leave the contig out",
        ),
        (
            b">a\n" + b"ACGTNNNN" * 50 + b"EFL" * 4 + b"\n",
            ["*"],
            r"in.fa: contig 'a' is not a sequence of nucleotides: 6% of its letters are no nucl",
        ),
        (b"\xff\xfe>\0a\0", ["*"], r"in.fa: not a FASTA file: it starts with b'\\xff\\xfe>"),
        (
            gzip.compress(b">a\n" + random_bases(10**4, seed=0).encode(), mtime=0).replace(
                b"\x01", b"\x07"
            ),
            ["*"],
            r"in.fa: cannot be read: .*: copy it again",
        ),
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


@given(
    st.binary(max_size=60)
    | st.text(">abcACGTUNE \r\n\0", max_size=60).map(str.encode)
    | st.text(max_size=20).map(lambda name: f">{name}\nACGT\n".encode("utf-8", "replace"))
)
def test_any_file_gives_a_genome_or_one_line(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("genome")
    (folder / "in.fa").write_bytes(data)
    try:
        index = scan_fasta(folder / "in.fa", folder / "out.fa", name="g", patterns=["*"])
    except UserError as error:
        assert "\n" not in str(error) and not (folder / "out.fa").exists()
        return
    bases = Bases(folder / "out.fa")
    for contig in index.contigs:
        codes = bases.codes(contig.name, 0, contig.length)
        assert (codes == 4).sum() == contig.unknown
