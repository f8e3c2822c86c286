"""Features of BED, GFF3 and GTF files; errors name the line."""

import gzip
import re

import pytest

from genometracks.errors import UserError
from genometracks.evaluation.features import Feature, read_features

BED = """\
track name=x
#c
chr1\t10\t20\tan exon\t0\t-

chr1 30 31
chrUn\t5\t6\tx\t7\t?
"""
GTF = """\
#!genome-build x
  # indented
chr1\tHAVANA\tgene\t11\t50\t.\t-\t.\tgene_id "a";
chr1\tHAVANA\texon\t11\t20\t.\t-\t.\tgene_id "a"; tag "x\ty";
chr1\tHAVANA\texon\t31\t50\t0.5\t+\t2\tgene_id "a";
chr2\tHAVANA\tCDS\t31\t50\t.\t.\t.\t
chr2\tHAVANA\texon\t7\t7\t.\t?\t.
"""


@pytest.fixture
def read(tmp_path):
    def read(data, feature=None, name="x.gtf.gz"):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return list(read_features(path, key="evaluation.sites[0]", feature=feature))

    return read


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_features_of_a_bed_file(read, pack, end):
    assert read(pack(BED.replace("\n", end))) == [
        Feature(3, "chr1", 10, 20, "-"),
        Feature(5, "chr1", 30, 31, None),
        Feature(6, "chrUn", 5, 6, None),
    ]


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_features_of_a_type_of_a_gtf_file(read, pack):
    assert read(pack(GTF), "exon") == [
        Feature(4, "chr1", 10, 20, "-"),
        Feature(5, "chr1", 30, 50, "+"),
        Feature(7, "chr2", 6, 7, None),
    ]
    assert read(pack(GTF), "CDS") == [Feature(6, "chr2", 30, 50, ".")]


def test_a_gff3_file_ends_where_its_sequences_begin(read):
    text = "##gff-version 3\nchr1\tx\texon\t1\t2\t.\t+\t.\tID=a\n##FASTA\n>chr1\nACGT\n"
    assert read(text, "exon") == [Feature(2, "chr1", 0, 2, "+")]


@pytest.mark.parametrize(
    ("text", "feature", "message"),
    [
        ("", None, "x.gtf.gz: has no features: check evaluation.sites[0].file"),
        (
            "#c\nhello world\n",
            None,
            "x.gtf.gz:2: neither BED (contig, start, end) nor GFF (9 columns, by tabs): check "
            "evaluation.sites[0].file",
        ),
        (
            "chr1\t5\t7\nchr1\t7\n",
            None,
            "x.gtf.gz:2: not a BED line, as the first one is: its columns must be contig, start "
            "and end",
        ),
        (
            "chr1\t7\t7\n",
            None,
            "x.gtf.gz:1: chr1:7-7 is not an interval: 0 <= start < end must hold",
        ),
        (
            BED,
            "exon",
            "x.gtf.gz: is a BED file, whose features have no type: remove "
            "evaluation.sites[0].feature",
        ),
        (
            GTF,
            None,
            "x.gtf.gz: is a GFF file, with features of the types gene, exon, CDS: choose one by "
            "evaluation.sites[0].feature",
        ),
        (
            GTF,
            "exons",
            "x.gtf.gz: has no feature of the type exons, but exon, gene, CDS: correct "
            "evaluation.sites[0].feature",
        ),
        (
            GTF + "chr1\t5\t7\n",
            "exon",
            "x.gtf.gz:8: not a GFF line, as the first one is: its columns 4 and 5 must be start "
            "and end",
        ),
        (
            "chr1\tx\texon\t0\t2\t.\t+\t.\t\n",
            "exon",
            "x.gtf.gz:1: chr1:0-2 is not an interval: 1 <= start <= end must hold",
        ),
        (
            "chr\0\t1\t2\n",
            None,
            "x.gtf.gz:1: its contig has characters that cannot be printed, or that are not UTF-8",
        ),
        ("x" * (1 << 21), None, "x.gtf.gz:1: longer than 1,048,576 characters: not a feature"),
        (gzip.compress(GTF.encode())[:-9], "exon", "x.gtf.gz: cannot be read: "),
        (gzip.compress(b"#\n" * (1 << 23)), None, "x.gtf.gz: cannot be read: "),
    ],
)
def test_an_invalid_file_is_one_error(read, text, feature, message):
    with pytest.raises(UserError, match=re.escape(message)):
        read(text, feature)


def test_a_missing_file_is_one_error(tmp_path):
    with pytest.raises(UserError, match=r"no.bed: cannot be read: .* check evaluation.sites\[0\]"):
        list(read_features(tmp_path / "no.bed", key="evaluation.sites[0]", feature=None))


@pytest.mark.parametrize(
    ("attributes", "parents"),
    [
        ('gene_id "g"; transcript_id "t,1"; tag "x";', ("t,1",)),
        ('transcript_id "t"', ("t",)),
        ("ID=e;Parent=transcript:a,transcript:b;x=1", ("transcript:a", "transcript:b")),
        ("Parent=a", ("a",)),
        ("ID=e;xParent=a;transcript_id=t", ()),
        ("", ()),
    ],
)
def test_transcripts_of_a_feature(read, attributes, parents):
    (found,) = read(f"chr1\tx\texon\t1\t2\t.\t+\t.\t{attributes}\n", "exon")
    assert found.parents == parents
