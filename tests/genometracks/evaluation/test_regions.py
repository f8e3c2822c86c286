"""Which bins are held out, and which locus is shown."""

import numpy as np
import pytest

from genometracks.evaluation.regions import choose_locus, held_out_bins


def marked(intervals, length=105):
    return np.flatnonzero(held_out_bins(intervals, "c", length=length, step=10)).tolist()


def test_a_bin_counts_only_when_wholly_inside():
    assert marked([("c", 20, 40)]) == [2, 3]
    assert marked([("c", 19, 41)]) == [2, 3]
    assert marked([("c", 21, 39)]) == []
    assert marked([("c", 21, 50)]) == [3, 4]


def test_a_bin_counts_by_its_span_where_bins_lie_apart():
    inside = held_out_bins([("c", 20, 34), ("c", 50, 53)], "c", length=105, step=10, span=4)
    assert np.flatnonzero(inside).tolist() == [2, 3]


def test_last_partial_bin_is_inside_an_interval_to_the_end():
    assert marked([("c", 90, 105)]) == [9, 10]
    assert marked([("c", 90, 104)]) == [9]
    assert marked([("c", -5, 1000)]) == list(range(11))


def test_other_contigs_and_places_past_the_end_mark_nothing():
    assert marked([("d", 0, 105), ("c", 200, 300)]) == []


def test_a_bin_across_two_touching_intervals_is_not_held_out():
    assert marked([("c", 10, 25), ("c", 25, 40)]) == [1, 3]


def wave(length, *, step=100, loud=()):
    """Noise of amplitude 1, and of amplitude 10 in the given intervals."""
    bins = np.arange(length // step)
    values = np.where(bins % 2, 1.0, -1.0)
    for start, end in loud:
        values[start // step : end // step] *= 10
    return bins, values


def test_the_most_varying_window_is_chosen():
    signal = ("c", *wave(1_000_000, loud=[(430_000, 480_000)]))
    assert choose_locus([signal], step=100, lengths={"c": 1_000_000}) == (
        "c", 430_000, 480_000, False,
    )  # fmt: skip


def test_held_out_part_goes_first_even_where_the_rest_varies_more():
    signal = ("c", *wave(1_000_000, loud=[(430_000, 480_000)]))
    held = [("c", 600_000, 640_000), ("c", 640_000, 700_000), ("elsewhere", 0, 99_000)]
    locus = choose_locus([signal], step=100, lengths={"c": 1_000_000}, held_out=held)
    assert locus == ("c", 600_000, 650_000, True)


def test_short_contig_is_shown_whole_and_a_long_one_goes_before_it():
    short, long = ("p", *wave(9_000, loud=[(0, 9_000)])), ("c", *wave(120_000))
    lengths = {"p": 9_000, "c": 120_000}
    assert choose_locus([short], step=100, lengths=lengths) == ("p", 0, 9_000, False)
    assert choose_locus([short, long], step=100, lengths=lengths)[0] == "c"


def test_the_last_window_reaches_the_end_of_its_contig():
    signal = ("c", *wave(128_000, loud=[(120_000, 128_000)]))
    locus = choose_locus([signal], step=100, lengths={"c": 128_000})
    assert locus == ("c", 78_000, 128_000, False)


def test_a_window_with_few_bins_goes_last():
    bins, values = wave(200_000, loud=[(0, 50_000)])
    kept = (bins >= 500) | (bins < 20)
    locus = choose_locus([("c", bins[kept], values[kept])], step=100, lengths={"c": 200_000})
    assert locus.start >= 25_000


def test_no_bins_is_an_error():
    with pytest.raises(ValueError, match="no window holds a bin to show"):
        choose_locus([("c", np.empty(0, int), np.empty(0))], step=100, lengths={"c": 5_000})
