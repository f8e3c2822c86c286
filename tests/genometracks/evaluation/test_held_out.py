"""Which bins are held out."""

import numpy as np

from genometracks.config.sections import HeldOut
from genometracks.evaluation.held_out import mark_held_out


def marked(intervals, length=105):
    return np.flatnonzero(
        mark_held_out([HeldOut(*at) for at in intervals], "c", length=length, step=10)
    ).tolist()


def test_a_bin_counts_only_when_wholly_inside():
    assert marked([("c", 20, 40)]) == [2, 3]
    assert marked([("c", 19, 41)]) == [2, 3]
    assert marked([("c", 21, 39)]) == []
    assert marked([("c", 21, 50)]) == [3, 4]


def test_a_bin_counts_by_its_span_where_bins_lie_apart():
    held_out = [HeldOut("c", 20, 34), HeldOut("c", 50, 53)]
    inside = mark_held_out(held_out, "c", length=105, step=10, span=4)
    assert np.flatnonzero(inside).tolist() == [2, 3]


def test_last_partial_bin_is_inside_an_interval_to_the_end():
    assert marked([("c", 90, 105)]) == [9, 10]
    assert marked([("c", 90, 104)]) == [9]
    assert marked([("c", -5, 1000)]) == list(range(11))


def test_other_contigs_and_places_past_the_end_mark_nothing():
    assert marked([("d", 0, 105), ("c", 200, 300)]) == []


def test_a_bin_across_two_touching_intervals_is_not_held_out():
    assert marked([("c", 10, 25), ("c", 25, 40)]) == [1, 3]
