"""Tracks evaluated on sites, against plain loops over all bins, for any division into pieces."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.config.sections import HeldOut, Sites, Within
from genometracks.evaluation.evaluate_sites import evaluate_sites
from genometracks.evaluation.site_bins import Grid
from site_oracle import average_precision, top_k

STEP = 2
LENGTHS = {"chr1": 81, "chr2": 40}
SEGMENTS = {"chr1": [[0, 20], [25, 41]], "chr2": [[0, 20]]}
GRID = Grid({name: np.array(rows) for name, rows in SEGMENTS.items()}, LENGTHS, STEP, STEP)
PREDICTED = {c: [k for a, b in rows for k in range(a, b)] for c, rows in SEGMENTS.items()}


def cut(values, cuts):
    """The pieces of a track: contig, first bin, values."""
    pieces = []
    for contig, rows in SEGMENTS.items():
        for first, last in rows:
            edges = [first, *sorted({c for c in cuts if first < c < last}), last]
            pieces += [
                (contig, a, values[contig][a:b]) for a, b in zip(edges, edges[1:], strict=False)
            ]
    return pieces


def write_bed(path, sites):
    with open(path, "w") as file:
        file.writelines(f"{contig}\t{at}\t{at + 1}\n" for contig, at in sites)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("sites"))
        yield


def evaluate(values, entry, *, cuts=(), **options):
    settings = {"tracks": ["t"], "grid": GRID} | options
    return evaluate_sites(lambda _: iter(cut(values, cuts)), [entry], **settings)


def make_values(seed):
    """Values of few levels, so that many are equal."""
    rng = np.random.default_rng(seed)
    return {c: rng.integers(0, 9, 41).astype(np.float32) for c in LENGTHS}


SITES = st.lists(
    st.one_of(
        st.tuples(st.just("chr1"), st.integers(0, 80)),
        st.tuples(st.just("chr2"), st.integers(0, 39)),
    ),
    max_size=20,
).map(lambda sites: [("chr1", 4), *sites])
CUTS = st.lists(st.integers(1, 40), max_size=6)


@given(st.integers(0, 1000), SITES, CUTS, st.sampled_from([-2, -1, 1, 3]), st.booleans())
def test_any_pieces_give_the_scores_of_a_plain_loop(seed, sites, cuts, shift, hold):
    values = make_values(seed)
    write_bed("s.bed", sites)
    held_out = [HeldOut("chr1", 4, 60), HeldOut("chr2", 0, 9)] if hold else []
    entry = Sites("t", "s.bed", shift=shift)
    rows, curves = evaluate(values, entry, cuts=cuts, held_out=held_out)
    kinds = ["all", "held_out"] if hold else ["all"]
    assert [(r.contig, r.bins_in) for r in rows] == [
        (contig, kind) for contig in ("*", *LENGTHS) for kind in kinds
    ]
    held = {"chr1": range(2, 30), "chr2": range(4)}
    for row in rows:
        bins = [
            (contig, k)
            for contig in (LENGTHS if row.contig == "*" else [row.contig])
            for k in PREDICTED[contig]
            if row.bins_in == "all" or k in held[contig]
        ]
        true = {(c, at // STEP) for c, at in sites} & set(bins)
        moved = {(c, k + shift) for c, k in true} & set(bins)
        scores = [float(values[c][k]) for c, k in bins]
        assert row.bins == len(bins)
        for chosen, found in (
            (true, (row.positives, row.top_k, row.average_precision)),
            (moved, (row.shifted_positives, row.shifted_top_k, row.shifted_average_precision)),
        ):
            labels = [each in chosen for each in bins]
            expected = (sum(labels), top_k(scores, labels), average_precision(scores, labels))
            assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)
        own = {site for site in sites if row.contig in ("*", site[0])}
        assert row.sites == len(own)
        assert row.left_out == sum((c, at // STEP) not in bins for c, at in own)
    (shown,) = curves
    assert shown.row == rows[len(kinds) - 1] and shown.sites.recall[-1] == 1


def test_sharding_changes_no_digit():
    write_bed("s.bed", [("chr1", 4), ("chr1", 9), ("chr2", 7)])
    values = {c: np.random.default_rng(1).random(41, np.float32) for c in LENGTHS}
    whole, _ = evaluate(values, Sites("t", "s.bed"))
    single, _ = evaluate(values, Sites("t", "s.bed"), cuts=range(41))
    assert whole == single


def test_a_track_that_is_high_on_the_sites_is_perfect_and_useless_when_they_move():
    sites = [("chr1", at) for at in (4, 8, 20, 60, 72)]
    write_bed("s.bed", sites)
    values = {c: np.linspace(0, 0.01, 41, dtype=np.float32) for c in LENGTHS}
    for _, at in sites:
        values["chr1"][at // STEP] = 1
    (row, *_), _ = evaluate(values, Sites("t", "s.bed"))
    assert (row.top_k, row.average_precision, row.positives) == (1, 1, 5)
    assert row.shifted_positives == 5 and row.shifted_top_k == 0
    assert row.shifted_average_precision < 0.15


def test_regions_leave_bins_and_sites_out():
    write_bed("s.bed", [("chr1", 4), ("chr1", 30)])
    with open("g.bed", "w") as file:
        file.write("chr1\t0\t11\n")
    values = make_values(0)
    entry = Sites("t", "s.bed", within=Within("g.bed"))
    (row, first, second), _ = evaluate(values, entry)
    assert (first.bins, first.sites, first.left_out, first.positives) == (6, 2, 1, 1)
    assert (second.bins, second.positives) == (0, 0) and np.isnan(second.top_k)
    assert replace(first, contig="*") == row


def test_a_single_contig_has_the_same_numbers_as_all_together():
    write_bed("s.bed", [("chr2", 4), ("chr2", 30)])
    grid = Grid({"chr2": GRID.segments["chr2"]}, {"chr2": 40}, STEP, STEP)
    pieces = [("chr2", 0, make_values(0)["chr2"][:20])]
    entry, held = Sites("t", "s.bed"), [HeldOut("chr2", 0, 20)]
    rows, (shown,) = evaluate_sites(
        lambda _: iter(pieces), [entry], tracks=["t"], grid=grid, held_out=held
    )
    assert [(r.contig, r.bins_in) for r in rows] == [
        ("*", "all"),
        ("*", "held_out"),
        ("chr2", "all"),
        ("chr2", "held_out"),
    ]
    assert [replace(r, contig="") for r in rows[:2]] == [replace(r, contig="") for r in rows[2:]]
    assert shown.row == rows[1]
