"""Bins with a site: which base of a feature, which strand, which bins count; errors of a file."""

import logging
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.config.sections import HeldOut, Sites, Within
from genometracks.errors import UserError
from genometracks.evaluation import site_bins as module
from genometracks.evaluation import sites as reading
from genometracks.evaluation.site_bins import Grid, check_sites, find_site_bins
from genometracks.evaluation.sites import read_regions, read_sites

LENGTHS = {"chr1": 100, "chr2": 50}
KEY = "evaluation.sites[0]"


def make_grid(step=1, span=None, segments=None, lengths=LENGTHS):
    whole = {name: [[0, -(-length // step)]] for name, length in lengths.items()}
    runs = {name: np.array(rows, np.int64) for name, rows in (segments or whole).items()}
    return Grid(runs, lengths, step, span or step)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.bed").write_text(
        "chr1\t10\t20\ta\t0\t+\nchr1\t30\t41\tb\t0\t-\nchr1\t10\t20\ta\t0\t+\nchr2\t7\t8\tc\t0\t.\n"
    )
    (tmp_path / "bare.bed").write_text("chr1\t10\t20\nchr1\t4\t5\n")
    return tmp_path


def read(**changes):
    entry = Sites(**{"track": "t", "file": "f.bed", **changes})
    found = read_sites(entry, key=KEY, lengths=LENGTHS).found
    return {contig: rows.tolist() for contig, rows in found.items()}


@pytest.mark.parametrize(
    ("at", "chr1"),
    [
        ("start", [[10, 11], [30, 31]]),
        ("end", [[19, 20], [40, 41]]),
        ("centre", [[15, 16], [35, 36]]),
        ("all", [[10, 20], [30, 41]]),
    ],
)
def test_a_place_is_a_base_of_the_forward_strand_or_all(at, chr1):
    assert read(at=at) == {"chr1": chr1, "chr2": [[7, 8]]}


def test_a_place_may_be_on_the_features_own_strand():
    assert read(at="5'")["chr1"] == [[10, 11], [40, 41]]
    assert read(at="3'")["chr1"] == [[19, 20], [30, 31]]


def test_a_strand_selects_features():
    assert read(at="5'", strand="+") == {"chr1": [[10, 11]]}
    assert read(at="5'", strand="-") == {"chr1": [[40, 41]]}


def test_splice_sites_are_those_of_the_exons_of_a_strand(folder):
    lines = [
        f"chr1\tx\texon\t{start + 1}\t{end}\t.\t{strand}\t.\tParent={strand}\n"
        for start, end in ((10, 20), (30, 40))
        for strand in "+-"
    ]
    (folder / "e.gff").write_text("".join(lines))
    exons = {"file": "e.gff", "feature": "exon"}
    assert read(**exons, at="acceptor") == {"chr1": [[19, 20], [30, 31]]}
    assert read(**exons, at="acceptor", strand="-") == {"chr1": [[19, 20]]}
    assert read(**exons, at="donor", strand="-") == {"chr1": [[30, 31]]}


def test_features_of_one_base_need_no_place(folder):
    (folder / "f.bed").write_text("chr2\t7\t8\nchr2\t3\t4\nchr2\t7\t8\n")
    assert read() == {"chr2": [[3, 4], [7, 8]]} == read(at="5'")


def test_aliases_name_the_contigs_of_the_files(folder):
    (folder / "f.bed").write_text("1\t7\t8\nchr1\t9\t10\nchr2\t3\t4\nchr3\t3\t4\n")
    found = read_sites(
        Sites("t", "f.bed", aliases={"chr1": "1", "chr9": "9"}), key=KEY, lengths=LENGTHS
    )
    assert {contig: rows.tolist() for contig, rows in found.found.items()} == {
        "chr1": [[7, 8], [9, 10]],
        "chr2": [[3, 4]],
    }
    assert (found.elsewhere, found.foreign) == (1, ("chr3",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {},
            "f.bed:1: chr1:10-20 has 10 bp: set evaluation.sites[0].at to start, end, 5', 3', "
            "centre or all",
        ),
        (
            {"file": "bare.bed", "at": "5'"},
            "bare.bed:1: has no strand, which evaluation.sites[0].at: 5' needs: add it, or set "
            "evaluation.sites[0].at to start, end, centre or all",
        ),
        (
            {"file": "bare.bed", "at": "start", "strand": "+"},
            "bare.bed:1: has no strand, which evaluation.sites[0].strand needs: add the column, "
            "or remove evaluation.sites[0].strand",
        ),
        (
            {"file": "plus.bed", "strand": "-"},
            "plus.bed: none of the features has the strand -: check evaluation.sites[0].strand",
        ),
        (
            {"file": "ncbi.bed"},
            "ncbi.bed: none of its contigs (NC_1, NC_2) is in the genome, which has chr1, chr2: "
            "give its names in evaluation.sites[0].aliases",
        ),
        (
            {"file": "past.bed"},
            "past.bed:1: chr1:100-101 extends past the contig's 100 bp: give evaluation.sites[0] "
            "a file of the same assembly",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_one_error(folder, changes, message):
    (folder / "plus.bed").write_text("chr1\t1\t2\tx\t0\t+\nchr1\t1\t2\tx\t0\t.\n")
    (folder / "ncbi.bed").write_text("NC_1\t1\t2\nNC_2\t1\t2\n")
    (folder / "past.bed").write_text("chr1\t100\t101\n")
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        read(**changes)


def test_more_features_than_fit_into_memory_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MOST", 3)
    with pytest.raises(UserError, match=r"^f.bed: has more than 3 features that evaluation.sites"):
        read(at="start")


def test_regions_are_those_of_the_strand_or_of_none(folder):
    (folder / "g.bed").write_text(
        "chr1\t0\t9\tx\t0\t+\nchr1\t9\t15\tx\t0\t-\nchr1\t30\t40\tx\t0\t.\nchr1\t50\t60\n"
    )
    found = {}
    for strand in (None, "+", "-"):
        entry = Sites("t", "f.bed", strand=strand, within=Within("g.bed"))
        regions = read_regions(entry.within, entry, key=KEY, lengths=LENGTHS)
        found[strand] = regions["chr1"].tolist()
    assert found == {
        None: [[0, 15], [30, 40], [50, 60]],
        "+": [[0, 9], [30, 40], [50, 60]],
        "-": [[9, 15], [30, 40], [50, 60]],
    }


def test_errors_of_regions_name_their_key(folder):
    (folder / "g.gtf").write_text("chr1\tx\tgene\t1\t9\t.\t+\t.\t\n")
    entry = Sites("t", "f.bed", within=Within("g.gtf", feature="exon"))
    message = (
        "g.gtf: has no feature of the type exon, but gene: correct "
        "evaluation.sites[0].within.feature"
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        read_regions(entry.within, entry, key=KEY, lengths=LENGTHS)


def expand(runs):
    return [k for first, last in runs.tolist() for k in range(first, last)]


INTERVALS = st.lists(st.tuples(st.integers(0, 98), st.integers(1, 12)), min_size=1, max_size=8)


@given(INTERVALS, INTERVALS, INTERVALS, st.integers(1, 12), st.integers(1, 12), st.integers(-4, 4))
def test_any_features_have_the_bins_of_a_plain_loop(features, genes, held, step, span, shift):
    span = min(span, step)
    shift = shift or 1

    def clip(given):
        return [(start, min(start + size, 100)) for start, size in given]

    features, genes, held = clip(features), clip(genes), clip(held)
    for name, rows in (("a.bed", features), ("b.bed", genes)):
        text = "".join(f"chr1\t{start}\t{end}\n" for start, end in rows)
        with open(name, "w") as file:
            file.write(text)
    entry = Sites("t", "a.bed", at="all", within=Within("b.bed"), shift=shift)
    bins = range(-(-100 // step))
    segments = [[k, k + 1] for k in bins if k % 5 != 3]  # bins 3, 8, ... are absent
    grid = make_grid(step, span, {"chr1": segments}, {"chr1": 100})

    def meet(k, rows):
        return any(k * step < end and start < min(k * step + span, 100) for start, end in rows)

    counted = [k for k in bins if k % 5 != 3 and meet(k, genes)]
    inside = [
        k
        for k in counted
        if any(start <= k * step and min(k * step + span, 100) <= end for start, end in held)
    ]
    labels = [k for k in counted if meet(k, features)]
    if not labels:
        with pytest.raises(UserError, match="a.bed: none of its .* in a bin that is evaluated"):
            find_site_bins(entry, key=KEY, grid=grid)
        return
    intervals = [HeldOut("chr1", start, end) for start, end in held]
    found = find_site_bins(entry, key=KEY, grid=grid, held_out=intervals)
    assert [each.bins_in for each in found] == ["all", "held_out"][: 1 + bool(inside)]
    for each, kept in zip(found, (counted, inside), strict=False):
        own = [k for k in labels if k in kept]
        assert expand(each.evaluated) == kept and expand(each.labels) == own
        assert expand(each.shifted) == [k + shift for k in own if k + shift in kept]
        sites = set(features)
        lost = [site for site in sites if not any(meet(k, [site]) for k in kept)]
        assert (each.sites, each.left_out) == (len(sites), len(lost))


def test_a_site_of_another_strand_or_between_bins_is_left_out(folder):
    (folder / "f.bed").write_text("chr1\t12\t13\nchr1\t17\t18\n")
    (found, _) = find_site_bins(Sites("t", "f.bed"), key=KEY, grid=make_grid(10, 5))
    assert expand(found.labels) == [1] and (found.sites, found.left_out) == (2, 1)


def test_numbers_of_sites_are_logged(folder, caplog):
    caplog.set_level(logging.INFO)
    (folder / "f.bed").write_text("chr1\t12\t13\nchr1\t17\t18\nchr1\t90\t91\nchrX\t1\t2\n")
    grid = make_grid(10, segments={"chr1": [[0, 5]]})
    check_sites([Sites("t", "f.bed", name="n")], tracks=["t"], grid=grid)
    assert caplog.messages == [
        "t and n: 2 sites in 1 bins; 1 left out (not predicted); 1 features are on contigs that "
        "the run does not have (chrX)"
    ]


def test_sites_in_no_evaluated_bin_are_refused(folder):
    (folder / "f.bed").write_text("chr1\t90\t91\nchr1\t95\t96\nchrX\t1\t2\n")
    (folder / "g.bed").write_text("chr1\t0\t50\n")
    grid = make_grid(10, segments={"chr1": [[0, 5]]})
    message = (
        "f.bed: none of its 2 sites is in a bin that is evaluated: they are not predicted; 1 "
        "features are on contigs that the run does not have (chrX): check evaluation.sites[0]"
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_sites([Sites("t", "f.bed")], tracks=["t"], grid=grid)
    with pytest.raises(UserError, match=r"not predicted, or outside of evaluation.sites\[0\].wit"):
        entry = Sites("t", "f.bed", within=Within("g.bed"))
        check_sites([entry], tracks=["t"], grid=make_grid(10))


def test_more_bins_than_fit_into_memory_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST", 20)
    message = (
        "f.bed: 22 bins have a site, more than 20, which would not fit into memory: set "
        "evaluation.sites[0].at to one base, or select fewer features"
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_sites([Sites("t", "f.bed", at="all")], tracks=["t"], grid=make_grid())


def test_an_unknown_track_and_equal_names_are_refused():
    entry = Sites("acceptr+", "f.bed", at="start")
    message = (
        "evaluation.sites[0].track: the run predicts no track acceptr+; the nearest are acceptor+"
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        check_sites([entry], tracks=["donor-", "acceptor+"], grid=make_grid())
    message = (
        "evaluation.sites[1] and evaluation.sites[0] are both called f; give one of them another "
        "name"
    )
    twins = [Sites("t", "f.bed", at="start"), Sites("t", "x/f.gtf.gz")]
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_sites(twins, tracks=["t"], grid=make_grid())
