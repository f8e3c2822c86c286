"""Which locus is shown."""

import numpy as np
import pytest

from genometracks.config.sections import HeldOut
from genometracks.evaluation.locus import Locus, choose_locus


def wave(length, *, step=100, loud=()):
    """Noise of amplitude 1, and of amplitude 10 in the given intervals."""
    bins = np.arange(length // step)
    values = np.where(bins % 2, 1.0, -1.0)
    for start, end in loud:
        values[start // step : end // step] *= 10
    return bins, values


def test_the_most_varying_window_is_chosen():
    signal = ("c", *wave(1_000_000, loud=[(430_000, 480_000)]))
    found = choose_locus([signal], step=100, lengths={"c": 1_000_000})
    assert found == Locus("c", 430_000, 480_000, held_out=False)


def test_held_out_part_is_preferred_even_where_the_rest_varies_more():
    signal = ("c", *wave(1_000_000, loud=[(430_000, 480_000)]))
    held = [HeldOut("c", 600_000, 640_000), HeldOut("c", 640_000, 700_000)]
    held += [HeldOut("elsewhere", 0, 99_000)]
    locus = choose_locus([signal], step=100, lengths={"c": 1_000_000}, held_out=held)
    assert locus == Locus("c", 600_000, 650_000, held_out=True)


def test_short_contig_is_shown_whole_and_a_long_one_takes_precedence():
    short, long = ("p", *wave(9_000, loud=[(0, 9_000)])), ("c", *wave(120_000))
    lengths = {"p": 9_000, "c": 120_000}
    assert choose_locus([short], step=100, lengths=lengths) == Locus("p", 0, 9_000, held_out=False)
    assert choose_locus([short, long], step=100, lengths=lengths).contig == "c"


def test_the_last_window_reaches_the_end_of_its_contig():
    signal = ("c", *wave(128_000, loud=[(120_000, 128_000)]))
    locus = choose_locus([signal], step=100, lengths={"c": 128_000})
    assert locus == Locus("c", 78_000, 128_000, held_out=False)


def test_a_window_with_few_bins_is_the_last_choice():
    bins, values = wave(200_000, loud=[(0, 50_000)])
    kept = (bins >= 500) | (bins < 20)
    locus = choose_locus([("c", bins[kept], values[kept])], step=100, lengths={"c": 200_000})
    assert locus.start >= 25_000


def test_no_bins_is_an_error():
    with pytest.raises(ValueError, match="no window holds a bin to show"):
        choose_locus([("c", np.empty(0, int), np.empty(0))], step=100, lengths={"c": 5_000})
