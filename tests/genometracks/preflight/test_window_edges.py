"""Differences of values by their distance from the ends of a window."""

import numpy as np
import pytest
import torch

from genometracks.inputs.bases import Bases
from genometracks.preflight.window_edges import choose_windows, fold_difference, measure_edges
from toys import random_bases

CPU = torch.device("cpu")


def test_differences_are_folded_by_the_distance_to_either_end():
    here, moved = np.zeros((1, 8)), np.zeros((1, 8))
    here[0, 4:] = [1, 2, 3, 4]  # 3, 2, 1, 0 bins from its end
    moved[0, :4] = [5, 5, 5, 5]  # 0, 1, 2, 3 bins from its start
    # |1-5|, |2-5|, |3-5|, |4-5|: the first and the last are at an end.
    assert fold_difference(here, moved).tolist() == [[2.5, 2.5]]
    assert fold_difference(here[:, :7], moved[:, :7]).shape == (1, 2)
    assert fold_difference(np.array([[1.0, 2.0]]), np.array([[5.0, 9.0]])).tolist() == [[3.0]]


@pytest.fixture
def planned(make_run):
    run = make_run(model={"crop_len": 0}, sequences={"a": random_bases(1500, seed=3), "b": "ACGT"})
    return run.plan(), Bases(run.work / "genome.fa")


def test_values_that_ignore_their_position_do_not_differ(planned):
    plan, bases = planned

    def forward(windows):
        return windows.unfold(2, 4, 4)[:, :2].sum(3)  # the A and the C of each bin of 4 bp

    found = measure_edges(plan, bases, forward, count=4, device=CPU)
    assert found == [0.0] * 6


def test_values_that_are_wrong_near_an_end_differ_only_there(planned):
    plan, bases = planned
    off = torch.zeros(24)
    off[:2], off[-2:] = 3.0, 3.0

    def forward(windows):
        ones = torch.ones(len(windows), 1, 24) + off
        return torch.cat([ones, 10 * ones], dim=1)  # each track has its own scale

    found = measure_edges(plan, bases, forward, count=4, device=CPU)
    mean = 1 + 3 * 4 / 24
    assert found == pytest.approx([3 / mean, 3 / mean, 0, 0, 0, 0])


def test_windows_are_chosen_where_the_shifted_window_fits(planned):
    plan, _ = planned
    places = choose_windows(plan, 4, beyond=48)
    assert len(places) == 4
    for contig, start in places:
        assert contig == "a" and start % 96 == 0 and 0 <= start <= 1500 - 96 - 48
    assert choose_windows(plan, 4, beyond=1500) == []
