"""Top-k accuracy and average precision, against plain loops over all bins."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.evaluation import ranking as module
from genometracks.evaluation.ranking import Tally, rank_sites
from site_oracle import average_precision, top_k

BINS = st.lists(
    st.tuples(st.sampled_from([-1.0, -0.0, 0.0, 0.25, 0.5, 1.0, 3e38]), st.booleans()), max_size=40
)


def rank(values, labels, *, parts=1):
    values, labels = np.array(values, np.float32), np.array(labels, bool)
    tally = Tally(np.unique(values[labels]))
    for part in np.array_split(values, parts):
        tally.add(part)
    assert tally.total in (0, len(values)) or parts > 1
    return rank_sites(values[labels], tally)


@given(BINS, st.integers(1, 5))
def test_any_values_have_the_scores_of_a_plain_loop(bins, parts):
    values, labels = [value for value, _ in bins], [label for _, label in bins]
    found = rank(values, labels, parts=parts)
    assert found.positives == sum(labels)
    assert found.top_k == pytest.approx(top_k(values, labels), abs=1e-12, nan_ok=True)
    expected = average_precision(values, labels)
    assert found.average_precision == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(BINS, st.randoms())
def test_the_order_of_the_bins_has_no_effect(bins, random):
    first = rank(*zip(*bins, strict=True)) if bins else rank([], [])
    random.shuffle(bins)
    other = rank(*zip(*bins, strict=True)) if bins else rank([], [])
    assert repr(first.top_k) == repr(other.top_k)
    assert repr(first.average_precision) == repr(other.average_precision)


def test_ties_have_the_mean_of_all_orders():
    values, labels = [5, 2, 2, 2, 1, 0], [True, True, False, True, False, True]
    order = sorted(range(6), key=lambda i: -values[i])
    found = []
    for middle in permutations(order[1:4]):
        ranked = [order[0], *middle, *order[4:]]
        found.append(sum(labels[i] for i in ranked[:4]) / 4)
    assert rank(values, labels).top_k == pytest.approx(np.mean(found)) == 0.75
    found = [sum(labels[i] for i in (0, *middle)[:3]) / 3 for middle in permutations([1, 2, 3])]
    assert rank(values[:5], labels[:5]).top_k == pytest.approx(np.mean(found))


def test_a_constant_track_is_as_good_as_chance():
    found = rank(np.zeros(1000), np.arange(1000) < 30)
    assert found.top_k == pytest.approx(0.03) and found.average_precision == pytest.approx(0.03)


def test_values_sorted_in_several_rounds_give_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    values, labels = rng.integers(0, 50, 1000) / 50, rng.random(1000) < 0.1
    once = rank(values, labels, parts=7)
    monkeypatch.setattr(module, "BUFFER", 64)
    again = rank(values, labels, parts=7)
    assert (once.top_k, once.average_precision) == (again.top_k, again.average_precision)


def test_the_curve_keeps_a_thousand_points_and_its_ends():
    rng = np.random.default_rng(0)
    values, labels = rng.random(100_000), rng.random(100_000) < 0.5
    curve = rank(values, labels).curve
    assert 900 < len(curve.recall) <= 1002
    assert curve.recall[-1] == 1 and curve.precision[-1] == pytest.approx(labels.mean(), abs=1e-3)
    assert (np.diff(curve.recall) > 0).all()
    few = rank([3, 2, 1], [True, False, True]).curve
    assert few.recall.tolist() == [0.5, 1] and few.precision.tolist() == [1, 2 / 3]
