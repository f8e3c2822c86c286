"""Every bin has one owner, bins of N are absent, and the arithmetic equals a plain loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.errors import UserError
from genometracks.plan.geometry import Geometry, place_windows
from genometracks.plan.segments import (
    count_bins,
    find_segments,
    find_touched,
    find_window_runs,
    own_bins,
)
from toys import measured_geometry


@st.composite
def gapped_contigs(draw):
    """A contig's bases as a bool array (known or N), and its maximal runs of N."""
    runs = draw(st.lists(st.integers(1, 60), min_size=1, max_size=8))
    known = draw(st.booleans())
    bases = np.concatenate([np.full(length, known ^ bool(i % 2)) for i, length in enumerate(runs)])
    edges = np.flatnonzero(np.diff(np.r_[False, ~bases, False]))
    return bases, edges.reshape(-1, 2)


def bins_with_bases(bases: np.ndarray, size: int, span: int | None = None) -> list[int]:
    starts = range(0, len(bases), size)
    return [k for k, start in enumerate(starts) if bases[start : start + (span or size)].any()]


@given(gapped_contigs(), st.integers(1, 40), st.integers(1, 40))
def test_segments_hold_the_bins_with_a_known_base(contig, size, span):
    bases, gaps = contig
    span = min(span, size)
    segments = find_segments(len(bases), gaps, size, span=span)
    found = [k for first, last in segments for k in range(first, last)]
    assert found == bins_with_bases(bases, size, span)
    assert (segments[1:, 0] > segments[:-1, 1]).all(), "segments that touch are one segment"


@given(gapped_contigs(), st.integers(1, 40), st.integers(1, 40))
def test_a_bin_is_touched_if_its_span_holds_a_base_of_an_interval(contig, size, span):
    inside, _ = contig
    span, edges = min(span, size), np.flatnonzero(np.diff(np.r_[False, inside, False]))
    touched = find_touched(edges.reshape(-1, 2), size, span=span)
    found = [k for first, last in touched for k in range(first, last)]
    assert found == bins_with_bases(inside, size, span)
    assert (touched[1:, 0] > touched[:-1, 1]).all()


@given(gapped_contigs(), st.integers(1, 20), st.integers(1, 12), st.integers(0, 5))
def test_every_bin_is_owned_by_exactly_one_window(contig, size, length, trim):
    bases, gaps = contig
    trim = min(trim, (length - 1) // 2)
    owned = length - 2 * trim
    segments = find_segments(len(bases), gaps, size)
    windows = [w for first, last in find_window_runs(segments, owned) for w in range(first, last)]
    assert len(windows) == len(set(windows))
    found = []
    for window in windows:
        mine = own_bins(segments, window * owned, (window + 1) * owned)
        assert len(mine), "a window that owns no bin is not run"
        found += [k for first, last in mine for k in range(first, last)]
    assert found == bins_with_bases(bases, size)


@given(
    bins=st.integers(1, 50),
    size=st.integers(1, 128),
    crop=st.integers(0, 9),
    data=st.data(),
)
def test_a_window_reads_its_bins_and_their_context(bins, size, crop, data):
    trim = data.draw(st.integers(0, (bins - 1) // 2))
    measured = {"window": size * (bins + 2 * crop), "bin": size, "crop": crop, "length": bins}
    geometry = place_windows(measured_geometry(**measured), stride=None, trim=trim)
    first = data.draw(st.integers(0, 99))
    start = geometry.starts(first, first + 1)[0]
    # After trimming, the first bin of the output is the first bin that the window owns.
    assert start + (crop + trim) * size == first * geometry.owned * size
    assert geometry.owned == bins - 2 * trim


@given(window=st.integers(1, 4000), data=st.data())
def test_a_stride_is_centred_in_its_window(window, data):
    stride = data.draw(st.integers(1, window))
    measured = {"window": window, "bin": None, "crop": 0, "length": 1}
    geometry = place_windows(measured_geometry(**measured), stride=stride, trim=0)
    start = int(geometry.starts(7, 8)[0])
    left, right = 7 * stride - start, start + window - 8 * stride
    assert geometry.bin == stride and geometry.owned == 1
    assert right - left in (0, 1)


def test_a_stride_longer_than_the_window_leaves_bases_without_a_bin():
    measured = {"window": 96, "bin": None, "crop": 0, "length": 1}
    geometry = place_windows(measured_geometry(**measured), stride=250, trim=0)
    assert (geometry.bin, geometry.span, geometry.lead) == (250, 96, 0)
    assert geometry.starts(0, 3).tolist() == [0, 250, 500]


def test_borzoi_window_on_chr1_predicts_the_published_interval():
    geometry = Geometry(window=524_288, bin=32, span=32, length=6144, lead=163_840)
    assert geometry.window == geometry.bin * (geometry.length + 2 * 5120)
    # chr1:69,993,520-70,517,808 predicts 70,157,360-70,353,968.
    assert 69_993_520 + geometry.lead == 70_157_360
    assert 70_157_360 + geometry.length * geometry.bin == 70_353_968


def test_a_partial_last_bin_is_counted():
    assert [count_bins(length, 16) for length in (1, 16, 17, 32)] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("measured", "stride", "trim", "message"),
    [
        (
            (96, None, 0, 1),
            None,
            0,
            "prediction.stride: the model gives one value per window of 96",
        ),
        ((96, 4, 3, 18), 8, 0, "prediction.stride: only for models of one value per window"),
        ((96, 4, 3, 18), None, 9, "prediction.trim: 9 bins .* leave nothing .* use at most 8"),
    ],
)
def test_settings_that_do_not_suit_the_model_are_refused(measured, stride, trim, message):
    fields = dict(zip(("window", "bin", "crop", "length"), measured, strict=True))
    with pytest.raises(UserError, match=message):
        place_windows(measured_geometry(**fields), stride=stride, trim=trim)
