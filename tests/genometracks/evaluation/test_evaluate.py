"""The comparison of predicted with observed tracks, against numpy's and scipy's own functions."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from genometracks.config.sections import HeldOut, Observed, Transform
from genometracks.errors import UserError
from genometracks.evaluation import observed as module
from genometracks.evaluation.evaluate import evaluate
from genometracks.evaluation.observed import check_observed, observed_label, read_observed

STEP = 10
LENGTHS = {"chr1": 105, "chr2": 60}  # 11 bins, the last of 5 bp, and 6 bins
OBSERVED = Observed("t", "dir/obs.bw")


class BigWigInMemory:
    """A BigWigReader without a file: one value per base, NaN where nothing is covered."""

    files: dict[str, dict[str, np.ndarray]] = {}

    def __init__(self, path):
        self.bases = self.files[str(path)]
        self.contigs = {contig: len(bases) for contig, bases in self.bases.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def bin_means(self, contig, step, first_bin, last_bin, *, span=None):
        starts = range(first_bin * step, last_bin * step, step)
        bins = [self.bases[contig][start : start + (span or step)] for start in starts]
        covered = [bases[~np.isnan(bases)] for bases in bins]
        return np.array([bases.mean() if len(bases) else np.nan for bases in covered])


@pytest.fixture
def bigwigs(monkeypatch):
    """A dict of file name -> contig -> per-base values, filled by the test."""
    monkeypatch.setattr(module, "BigWigReader", BigWigInMemory)
    monkeypatch.setattr(BigWigInMemory, "files", {})
    return BigWigInMemory.files


def per_base(bins, length):
    return np.repeat(np.asarray(bins, float), STEP)[:length]


@pytest.fixture
def signal(bigwigs):
    """Per-bin values of both contigs, predicted and observed; the observed are in obs.bw."""
    rng = np.random.default_rng(0)
    observed = {"chr1": rng.gamma(2.0, size=11), "chr2": rng.gamma(2.0, size=6)}
    predicted = {c: (x + rng.normal(size=len(x))).astype(np.float32) for c, x in observed.items()}
    bigwigs["dir/obs.bw"] = {c: per_base(x, LENGTHS[c]) for c, x in observed.items()}
    return predicted, observed


def run(predicted, entries, **options):
    def pieces(_track):
        return iter([(contig, 0, values) for contig, values in predicted.items()])

    settings = {"tracks": ["t"], "step": STEP, "lengths": LENGTHS} | options
    return evaluate(pieces, entries, **settings)


def only(rows, contig, bins_in="all"):
    (row,) = [r for r in rows if r.contig == contig and r.bins_in == bins_in]
    return row


def test_correlations_are_those_of_numpy_and_scipy(signal):
    predicted, observed = signal
    rows = run(predicted, [OBSERVED])
    assert [(r.contig, r.bins_in, r.bins) for r in rows] == [
        ("*", "all", 17),
        ("chr1", "all", 11),
        ("chr2", "all", 6),
    ]
    for row in rows:
        contigs = LENGTHS if row.contig == "*" else [row.contig]
        x = np.concatenate([predicted[c] for c in contigs]).astype(float)
        y = np.concatenate([observed[c] for c in contigs])
        assert row.pearson == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
        assert row.spearman == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
        assert (row.track, row.observed) == ("t", "obs")


def test_a_single_contig_has_the_same_numbers_as_all_together(signal):
    predicted, _ = signal
    rows = run(
        {"chr1": predicted["chr1"]},
        [OBSERVED],
        lengths={"chr1": 105},
        held_out=[HeldOut("chr1", 0, 50)],
    )
    assert [(r.contig, r.bins_in, r.bins) for r in rows] == [
        ("*", "all", 11),
        ("*", "held_out", 5),
        ("chr1", "all", 11),
        ("chr1", "held_out", 5),
    ]
    assert [r.pearson for r in rows[:2]] == [r.pearson for r in rows[2:]]


def test_a_track_cut_into_pieces_gives_the_same_rows(signal):
    predicted, _ = signal
    entry = OBSERVED
    cut = [("chr1", 0, predicted["chr1"][:4]), ("chr1", 4, predicted["chr1"][4:])]
    cut += [("chr2", 0, predicted["chr2"])]
    held_out = [HeldOut("chr1", 30, 60)]
    options = {"tracks": ["t"], "step": STEP, "lengths": LENGTHS, "held_out": held_out}
    rows = evaluate(lambda _: iter(cut), [entry], **options)
    assert rows == run(predicted, [entry], held_out=held_out)


def test_bins_apart_are_compared_over_their_span_alone(signal, bigwigs):
    predicted, observed = signal
    entry = OBSERVED
    rows = run(predicted, [entry])
    for contig, bases in bigwigs["dir/obs.bw"].items():
        outside = np.arange(len(bases)) % STEP >= 4
        foreign = np.random.default_rng(1).normal(size=len(bases)) * 99
        bigwigs["dir/obs.bw"][contig] = np.where(outside, foreign, bases)
    expected = only(rows, "chr1").pearson
    found = [only(run(predicted, [entry], span=span), "chr1").pearson for span in (4, 5)]
    assert found[0] == pytest.approx(expected, abs=1e-9)
    assert found[1] != pytest.approx(expected, abs=1e-3)


def test_absent_and_uncovered_bins_are_left_out(signal, bigwigs):
    predicted, observed = signal
    bigwigs["dir/obs.bw"]["chr1"][20:30] = np.nan  # bin 2 is covered nowhere
    bigwigs["dir/obs.bw"]["chr1"][30:37] = np.nan  # bin 3 is covered in part: it counts
    chr1 = predicted["chr1"].copy()
    chr1[5] = np.nan
    pieces = [("chr1", 0, chr1[:7]), ("chr1", 9, chr1[9:])]  # bins 7 and 8 are absent
    rows = evaluate(
        lambda _: iter(pieces),
        [OBSERVED],
        tracks=["t"],
        step=STEP,
        lengths=LENGTHS,
    )
    kept = [0, 1, 3, 4, 6, 9, 10]
    row = only(rows, "chr1")
    assert row.bins == 7
    expected = np.corrcoef(predicted["chr1"][kept], observed["chr1"][kept])[0, 1]
    assert row.pearson == pytest.approx(expected, abs=1e-7)
    assert only(rows, "chr2").bins == 0 and np.isnan(only(rows, "chr2").pearson)


def test_held_out_rows_count_only_bins_wholly_inside(signal):
    predicted, observed = signal
    entry = OBSERVED
    rows = run(predicted, [entry], held_out=[HeldOut("chr1", 15, 50), HeldOut("chr1", 80, 105)])
    kept = [2, 3, 4, 8, 9, 10]
    row = only(rows, "chr1", "held_out")
    assert row.bins == 6
    expected = np.corrcoef(predicted["chr1"][kept].astype(float), observed["chr1"][kept])[0, 1]
    assert row.pearson == pytest.approx(expected, abs=1e-12)
    assert replace(only(rows, "*", "held_out"), contig="chr1") == row
    assert [r.contig for r in rows if r.bins_in == "held_out"] == ["*", "chr1"]


@pytest.mark.filterwarnings("error")
def test_a_divisor_near_zero_gives_infinite_values_without_a_warning(bigwigs):
    bigwigs["o.bw"] = {"chr1": per_base([1, 0, np.nan], 30)}
    read = read_observed(
        BigWigInMemory("o.bw"),
        "chr1",
        step=STEP,
        first_bin=0,
        last_bin=3,
        transform=Transform(divide=5e-324),
    )
    np.testing.assert_array_equal(read, [np.inf, 0, np.nan])


def test_transform_divides_adds_and_takes_the_natural_logarithm(bigwigs):
    bigwigs["x.bw"] = {"chr1": per_base([0, 1, 2, -8, np.nan], 50)}
    reader = BigWigInMemory("x.bw")

    def read(transform):
        return read_observed(
            reader, "chr1", step=STEP, first_bin=0, last_bin=5, transform=transform
        )

    np.testing.assert_array_equal(read(None), [0, 1, 2, -8, np.nan])
    np.testing.assert_array_equal(read(Transform(divide=2, pseudocount=1)), [1, 1.5, 2, -3, np.nan])
    np.testing.assert_array_equal(
        read(Transform(divide=2, pseudocount=1, log=True)),
        [0, np.log(1.5), np.log(2), np.nan, np.nan],
    )
    assert np.isnan(read(Transform(log=True))[0])  # log 0 is left out, not minus infinity


def test_logarithm_leaves_bins_that_are_not_positive_out(signal, bigwigs):
    predicted, observed = signal
    bigwigs["dir/obs.bw"]["chr1"][0:10] = 0
    entry = replace(OBSERVED, transform=Transform(log=True))
    row = only(run(predicted, [entry]), "chr1")
    expected = np.corrcoef(predicted["chr1"][1:], np.log(observed["chr1"][1:]))[0, 1]
    assert row.bins == 10
    assert row.pearson == pytest.approx(expected, abs=1e-7)


def test_aliases_find_contigs_under_other_names(signal, bigwigs):
    predicted, _ = signal
    straight = run(predicted, [OBSERVED])
    bigwigs["dir/obs.bw"]["NC_1"] = bigwigs["dir/obs.bw"].pop("chr1")
    entry = replace(OBSERVED, aliases={"chr1": "NC_1"})
    assert run(predicted, [entry]) == straight


def refusal(entries, **options):
    """The message with which a run is refused before any prediction is requested."""

    def never(_track):
        raise AssertionError("computed before the check")

    settings = {"tracks": ["t"], "step": STEP, "lengths": LENGTHS} | options
    with pytest.raises(UserError) as caught:
        evaluate(never, entries, **settings)
    return str(caught.value)


def test_missing_contig_names_those_the_bigwig_has(signal, bigwigs):
    bigwigs["NC.bw"] = {f"NC_{k}": np.ones(105) for k in range(7)}
    good = OBSERVED
    assert refusal([good, Observed("t", "NC.bw")]) == (
        "observed bigWig NC.bw has no contig chr1; it has NC_0, NC_1, NC_2, NC_3, NC_4, ...;"
        " add it to evaluation.observed[1].aliases"
    )


def test_alias_of_a_contig_that_does_not_exist_is_refused(signal):
    entry = replace(OBSERVED, aliases={"chr2": "II"})
    assert refusal([entry]) == (
        "observed bigWig dir/obs.bw has no contig II (for chr2); it has chr1, chr2;"
        " correct it in evaluation.observed[0].aliases"
    )


def test_other_length_names_both_lengths(signal):
    entry = OBSERVED
    assert refusal([entry], lengths={"chr1": 105, "chr2": 4_641_652}) == (
        "observed bigWig dir/obs.bw: contig chr2 has 60 bp, but chr2 of the genome has"
        " 4,641,652 bp; give evaluation.observed[0] a bigWig made on the same assembly"
    )


def test_unknown_track_names_the_nearest(signal):
    tracks = ["DNASE:K562", "DNASE:HepG2", "CAGE:liver", "RNA:brain", "ATAC:heart", "CHIP:x"]
    text = refusal([Observed("dnase:k562", "dir/obs.bw")], tracks=tracks)
    assert text.startswith(
        "evaluation.observed[0].track: the run predicts no track dnase:k562;"
        " the nearest are DNASE:K562, DNASE:HepG2"
    )


def test_two_observed_tracks_under_one_name_are_refused(signal, bigwigs):
    bigwigs["other/obs.bw"] = bigwigs["dir/obs.bw"]
    entries = [Observed("t", path) for path in ("dir/obs.bw", "other/obs.bw")]
    assert refusal(entries) == (
        "evaluation.observed[1] and evaluation.observed[0] are both called obs;"
        " give one of them another name"
    )
    entries[1] = replace(entries[1], name="replicate 2")
    check_observed(entries, tracks=["t"], lengths=LENGTHS)
    assert observed_label(entries[1]) == "replicate 2"
