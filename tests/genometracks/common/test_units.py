"""Quantities in readable units."""

import doctest

import pytest

from genometracks.common import units
from genometracks.common.units import format_duration, format_si


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 "), (999, "999 "), (1000, "1.0 k"), (12_345_678, "12.3 M"), (5.21e9, "5.2 G")],
)
def test_numbers_get_an_si_prefix(number, text):
    assert format_si(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0:00:00"), (59.6, "0:01:00"), (3725, "1:02:05"), (4e5, "111:06:40")],
)
def test_durations_have_hours_minutes_and_seconds(seconds, text):
    assert format_duration(seconds) == text


def test_the_examples_in_docstrings_are_true():
    found = doctest.testmod(units)
    assert found.attempted == 4 and not found.failed
