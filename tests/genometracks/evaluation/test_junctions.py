"""Acceptors and donors of exons, against a plain loop over the exons of each transcript."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.errors import UserError
from genometracks.evaluation.junctions import find_junctions


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("junctions")
        patch.chdir(folder)
        yield folder


def write(path, exons, *, kind="gtf"):
    lines = []
    for contig, start, end, strand, parent in exons:
        note = f'transcript_id "{parent}";' if kind == "gtf" else f"ID=e;Parent={parent}"
        lines.append(f"{contig}\tx\texon\t{start + 1}\t{end}\t.\t{strand}\t.\t{note}\n")
    path.write_text("".join(lines))


def find(path, at):
    found = list(find_junctions(path, at=at, key="evaluation.sites[0]", feature="exon"))
    assert all(each.end == each.start + 1 for each in found)
    return {(each.contig, each.start, each.strand) for each in found}


def test_both_strands_in_both_formats(folder):
    exons = [("chr1", 10, 20, "+"), ("chr1", 30, 40, "+"), ("chr1", 50, 60, "+")]
    exons = [(*exon, "a") for exon in exons] + [(*exon[:3], "-", "b") for exon in exons]
    for kind in ("gtf", "gff3"):
        write(folder / "x", exons[::-1], kind=kind)
        acceptors = {("chr1", 30, "+"), ("chr1", 50, "+"), ("chr1", 19, "-"), ("chr1", 39, "-")}
        assert find(folder / "x", "acceptor") == acceptors
        donors = {("chr1", 19, "+"), ("chr1", 39, "+"), ("chr1", 30, "-"), ("chr1", 50, "-")}
        assert find(folder / "x", "donor") == donors


def test_an_exon_of_two_transcripts_counts_for_both(folder):
    lines = [(10, 20, "a"), (30, 40, "a,b"), (50, 60, "b")]
    exons = [("chr1", start, end, "+", parent) for start, end, parent in lines]
    write(folder / "x", exons, kind="gff3")
    assert find(folder / "x", "acceptor") == {("chr1", 30, "+"), ("chr1", 50, "+")}
    assert find(folder / "x", "donor") == {("chr1", 19, "+"), ("chr1", 39, "+")}


EXONS = st.lists(
    st.tuples(
        st.sampled_from(["chrX", "chrY"]),
        st.integers(0, 50),
        st.sampled_from("+-"),
        st.sampled_from("ab"),
    ),
    min_size=1,
    max_size=12,
)


@given(EXONS)
def test_any_transcripts_have_the_sites_of_a_plain_loop(drawn):
    exons = {(c, 10 * k, 10 * k + 5, strand, parent) for c, k, strand, parent in drawn}
    path = Path("x")
    write(path, sorted(exons, key=str))
    expected = {"acceptor": set(), "donor": set()}
    for contig, strand, parent in {(e[0], e[3], e[4]) for e in exons}:
        own = sorted(e[1:3] for e in exons if (e[0], e[3], e[4]) == (contig, strand, parent))
        for (_, left), (right, _) in zip(own, own[1:], strict=False):
            names = ("donor", "acceptor") if strand == "+" else ("acceptor", "donor")
            expected[names[0]].add((contig, left - 1, strand))
            expected[names[1]].add((contig, right, strand))
    for at, sites in expected.items():
        if sites:
            assert find(path, at) == sites
        else:
            with pytest.raises(UserError, match="^x: no transcript has two or more features"):
                find(path, at)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "chr1\tx\texon\t1\t9\t.\t.\t.\tParent=a\n",
            "x:1: has no strand, which evaluation.sites[0].at: donor needs: add it, or give a file "
            "of the sites themselves",
        ),
        (
            "chr1\tx\texon\t1\t9\t.\t+\t.\tID=a\n",
            "x:1: has no transcript_id or Parent in column 9, which evaluation.sites[0].at: donor "
            "needs: add it, or give a file of the sites themselves",
        ),
        (
            "chr1\tx\texon\t1\t9\t.\t+\t.\tParent=a\n",
            "x: no transcript has two or more features of the type exon, between which "
            "evaluation.sites[0].at: donor lies: check evaluation.sites[0].feature",
        ),
    ],
)
def test_exons_without_what_is_needed_are_one_error(folder, text, message):
    (folder / "x").write_text(text)
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        find(Path("x"), "donor")


def test_bed_has_no_transcripts(folder):
    (folder / "x").write_text("chr1\t100\t200\tp\t0\t+\n")
    message = (
        "x: is a BED file, without the transcripts that evaluation.sites[0].at: acceptor needs: "
        "give GFF3 or GTF, or set evaluation.sites[0].at to start, end, 5', 3', centre or all"
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        list(find_junctions(Path("x"), at="acceptor", key="evaluation.sites[0]", feature=None))
