"""Correlations of two arrays, against scipy's."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from genometracks.evaluation.correlate import correlate


def test_ties_get_their_average_rank():
    x, y = np.array([1, 1, 2, 3, 3, 3.0]), np.array([2, 1, 1, 5, 4, 5.0])
    assert correlate(x, y)[1] == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_a_large_offset_does_not_cost_precision():
    x = np.arange(1000) % 7
    x, y = (x + 2**20).astype(np.float32), x * -2.0
    assert correlate(x, y) == pytest.approx((-1.0, -1.0), abs=1e-12)


@pytest.mark.parametrize("x, y", [([], []), ([1], [2]), ([1, 2, 3], [5, 5, 5]), ([4, 4], [1, 2])])
def test_correlation_of_one_bin_or_of_a_constant_is_undefined(x, y):
    assert np.isnan(correlate(np.array(x, np.float32), np.array(y, float))).all()
