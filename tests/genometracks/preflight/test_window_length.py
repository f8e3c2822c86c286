"""Edge bins and window lengths, compared with plain counting."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genometracks.preflight.window_length import (
    LONGEST,
    MULTIPLES,
    choose_multiple,
    count_edge_bins,
)
from grelu_models.card import measure_flanks, measure_geometry
from grelu_models.checkpoint import build_model
from toys import ARCHITECTURE, measured_geometry, random_bases

WINDOW = 512


def encode(bases: str) -> torch.Tensor:
    codes = torch.tensor(["ACGT".index(base) for base in bases])
    return torch.nn.functional.one_hot(codes, 4).T.float()[None]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"crop_len": 0},
        {"crop_len": 9},
        {"kernel_size": 4, "crop_len": 0},
        {"pool_func": "avg", "pool_size": 4, "n_conv": 2, "crop_len": 0},
        {"pool_func": None, "stem_kernel_size": 6, "crop_len": 1},
        {"dilation_init": 2, "dilation_mult": 2, "crop_len": 2},
    ],
    ids=str,
)
def test_only_edge_bins_depend_on_the_windows_ends(changes):
    torch.manual_seed(0)
    model = build_model({**ARCHITECTURE, **changes}).eval()
    measured = measure_geometry(model, WINDOW)
    edge = count_edge_bins(measured, measure_flanks(model, WINDOW))
    assert edge is not None and 2 * edge < measured.length
    bases = random_bases(3 * WINDOW, seed=5)
    inner = torch.zeros(1, 4, 3 * WINDOW)
    whole = encode(bases)
    inner[..., WINDOW : 2 * WINDOW] = whole[..., WINDOW : 2 * WINDOW]
    with torch.no_grad():
        alone = model(whole[..., WINDOW : 2 * WINDOW])[0]
        # The same bins, in the middle of a longer sequence.
        begin = WINDOW // measured.bin
        within = model(whole)[0][:, begin : begin + measured.length]
    same = torch.isclose(alone, within, rtol=1e-5, atol=1e-6).all(0).numpy()
    assert same[edge : measured.length - edge].all()
    # Nor too many: the innermost edge bin depends on the farthest bases only, and may be the same.
    differing = np.flatnonzero(~same)
    reached = max(np.append(np.minimum(differing + 1, measured.length - differing), 0))
    assert edge - 1 <= reached <= edge


def test_a_model_that_reads_the_whole_window_has_no_inner_bins():
    measured = measured_geometry(window=100, bin=10, crop=0, length=10)
    assert count_edge_bins(measured, None) is None
    assert count_edge_bins(measured, (50, 41)) is None
    assert count_edge_bins(measured, (10, 3)) == 1 and count_edge_bins(measured, (11, 3)) == 2
    assert count_edge_bins(replace(measured, crop=1, length=8), (3, 11)) == 1
    assert count_edge_bins(replace(measured, crop=3, length=4), (11, 11)) == 0


@given(
    bin=st.sampled_from([1, 2, 16]),
    bins=st.integers(1, 40),
    crop=st.integers(0, 20),
    trim=st.integers(0, 3),
    lengths=st.lists(st.integers(1, 3_000_000), min_size=1, max_size=5),
)
def test_the_chosen_multiple_costs_at_most_one_percent_more(bin, bins, crop, trim, lengths):
    length = bins + 2 * trim
    measured = measured_geometry(bin * (length + 2 * crop), bin, crop, length)

    def cost(multiple: int) -> int:
        owned = multiple * (length + 2 * crop) - 2 * (crop + trim)
        windows = sum(math.ceil(math.ceil(size / bin) / owned) for size in lengths)
        return windows * multiple * measured.window

    chosen = choose_multiple(measured, trim=trim, lengths=lengths)
    allowed = [m for m in MULTIPLES if m == 1 or m * measured.window <= LONGEST]
    assert chosen in allowed
    best = min(cost(multiple) for multiple in allowed)
    assert cost(chosen) <= 1.01 * best
    assert all(cost(multiple) > 1.01 * best for multiple in allowed if multiple < chosen)


def test_a_longer_window_saves_the_halo_on_a_long_contig():
    # A BPNet-like model: 2,114 bp in, 1,000 out.
    measured = measured_geometry(window=2114, bin=1, crop=557, length=1000)
    multiple = choose_multiple(measured, trim=0, lengths=[4_641_652])
    owned = multiple * 2114 - 2 * 557
    assert 2114 * multiple <= LONGEST
    assert np.ceil(4_641_652 / owned) * multiple * 2114 < 1.03 * 4_641_652
    assert choose_multiple(measured, trim=0, lengths=[900] * 1000) == 1
