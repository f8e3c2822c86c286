"""BED files are merged and checked against the genome; errors name the line."""

import gzip
import hashlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.common.intervals import intersect, merge_intervals
from genometracks.errors import UserError
from genometracks.inputs import bed as bed_module
from genometracks.inputs.bed import read_bed

LENGTHS = {"chr1": 1000, "chr2": 50}
TEXT = """\ufefftrack name="peaks of mine" description=x
browser position chr1:1-100
# a comment
chr1\t30\t60\tpeak\t5\t+

chr1 10 30
chr2\t0\t50
chrUn\t5\t6
chr1\t50\t55\r
chr1\t900\t1000
"""


def rows(bed, contig):
    return bed.intervals[contig].tolist()


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress], ids=["plain", "gzip"])
def test_intervals_are_sorted_and_merged(tmp_path, pack):
    path = tmp_path / "x.bed"
    path.write_bytes(pack(TEXT.encode()))
    bed = read_bed(path, key="genome.regions", lengths=LENGTHS)
    assert rows(bed, "chr1") == [[10, 60], [900, 1000]] and rows(bed, "chr2") == [[0, 50]]
    assert bed.elsewhere == 1
    assert bed.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t5\n", "x.bed:1: not a BED line: its columns must be contig, start and end"),
        ("#\n\nchrom start end\n", "x.bed:3: not a BED line"),
        ("chr1\t5\t7.5\n", "x.bed:1: not a BED line"),
        ("chr1\t7\t5\n", "x.bed:1: chr1:7-5 is not an interval: 0 <= start < end must hold"),
        ("chr1\t-1\t5\n", "x.bed:1: chr1:-1-5 is not an interval"),
        (
            "chr1\t0\t9\nchr2\t40\t51\n",
            "x.bed:2: chr2:40-51 extends past the contig's 50 bp: set genome.blacklist to a file "
            "of the same assembly",
        ),
        ("chr1\t0\t" + "9" * 5000, "x.bed:1: not a BED line"),
        ("chr1\t0\t1_0\n", "x.bed:1: not a BED line"),
        ("chr1\t\u0660\t\u0665\n", "x.bed:1: not a BED line"),
        ("chr1\t0\t0x10\n", "x.bed:1: not a BED line"),
        ("chr1\t0\t1e2\n", "x.bed:1: not a BED line"),
        (
            "chr1\t0\t9\rchr1\0\t0\t5\n",
            "x.bed:2: not a BED line: its contig has characters that cannot be printed, or that "
            "are not UTF-8",
        ),
        ("chr1\t0\0\t9\n", "x.bed:1: not a BED line"),
        ("chr1\t0\t9\n" + "x" * (1 << 20), "x.bed:2: not a BED line"),
        ("\n" + "x" * (1 << 25), "x.bed:2: longer than 1,048,576 characters: not a BED line"),
        ("x" * 5000 + "\t9\t1\n", f"x.bed:1: {'x' * 57}...:9-1 is not an interval"),
        (
            "1\t0\t9\n2\t0\t9\n3\t0\t9\n4\t0\t9\n",
            "x.bed: none of its contigs (1, 2, 3, ...) is in the genome, which has chr1, chr2: "
            "check genome.blacklist and genome.contigs",
        ),
    ],
)
def test_an_invalid_line_is_named(tmp_path, text, message):
    path = tmp_path / "x.bed"
    path.write_text(text)
    with pytest.raises(UserError, match=re.escape(message)):
        read_bed(path, key="genome.blacklist", lengths=LENGTHS)


def test_a_truncated_gzip_file_is_refused(tmp_path):
    path = tmp_path / "x.bed.gz"
    path.write_bytes(gzip.compress(TEXT.encode())[:-12])
    with pytest.raises(UserError, match=r"x.bed.gz: cannot be read: .*: check genome.regions"):
        read_bed(path, key="genome.regions", lengths=LENGTHS)


def test_other_encodings_and_binary_files_are_refused(tmp_path):
    path = tmp_path / "x.bed"
    for data, line in (
        ("chr1\t0\t9\n".encode("utf-16"), 1),
        (b"# caf\xe9\nchr\xe9\t0\t9\n", 2),
        (b"\0" * 100, 1),
        (bytes(range(256)), 1),
    ):
        path.write_bytes(data)
        with pytest.raises(UserError, match=rf"^{path}:{line}: not a BED line: [^\n]*$"):
            read_bed(path, key="genome.regions", lengths=LENGTHS)


@pytest.mark.parametrize(
    ("unit", "unchecked", "message"),
    [
        (b"\0", 1 << 22, r"x.bed.gz:1: longer than 1,048,576 characters: not a BED line$"),
        (
            b"\n",
            1 << 17,
            r"x.bed.gz: cannot be read: expands to more than 200 times its size: check genome.reg",
        ),
        (
            b"chr1\t0\t9\n",
            1 << 17,
            r"x.bed.gz: cannot be read: expands to more than 200 times its size",
        ),
    ],
)
def test_a_small_file_cannot_fill_the_memory(tmp_path, monkeypatch, unit, unchecked, message):
    monkeypatch.setattr(bed_module, "UNCHECKED", unchecked)
    path = tmp_path / "x.bed.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(2):
            file.write(unit * ((1 << 20) // len(unit)))
    with pytest.raises(UserError, match=message):
        read_bed(path, key="genome.regions", lengths=LENGTHS)


@given(st.binary(max_size=60) | st.text("chr12\t\n\r0#-_ \0", max_size=60).map(str.encode))
def test_any_file_gives_intervals_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bed") / "x.bed"
    path.write_bytes(data)
    try:
        read_bed(path, key="genome.regions", lengths=LENGTHS)
    except UserError as error:
        assert "\n" not in str(error) and str(error).startswith(str(path))


intervals = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda row: (row[0], sum(row))),
    max_size=12,
)


def positions(found: np.ndarray) -> list[int]:
    return [k for first, last in found.tolist() for k in range(first, last)]


@given(intervals, intervals)
def test_merging_and_intersecting_equal_operations_on_sets(some, others):
    one, two = merge_intervals(np.array(some)), merge_intervals(np.array(others))
    assert positions(one) == sorted({k for row in some for k in range(*row)})
    assert (one[1:, 0] > one[:-1, 1]).all(), "intervals that touch are joined"
    assert positions(intersect(one, two)) == sorted(set(positions(one)) & set(positions(two)))
