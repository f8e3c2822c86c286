"""Regions as people write them, and one error for each that is none."""

import re

import pytest

from genometracks.errors import UserError
from genometracks.reading.regions import Region, parse_region

LENGTHS = {"chr1": 5_000_000, "HLA:01:02": 300, "20": 100}


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("chr1", Region("chr1", 0, 5_000_000)),
        ("chr1:1,000,000-1,010,000", Region("chr1", 1_000_000, 1_010_000)),
        ("chr1:0-1", Region("chr1", 0, 1)),
        ("HLA:01:02", Region("HLA:01:02", 0, 300)),
        ("HLA:01:02:7-300", Region("HLA:01:02", 7, 300)),
    ],
)
def test_a_region_is_an_interval_or_a_contig(text, region):
    assert parse_region(text, lengths=LENGTHS) == region


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr20:1-5", "no contig 'chr20': did you mean 20?"),
        ("chr2", "no contig 'chr2': did you mean chr1?"),
        ("plasmid", "no contig 'plasmid': the run has chr1, HLA:01:02, 20"),
        ("chr1:5", "'chr1:5' is not a region: write contig:start-end, e.g. chr20:1000-2000"),
        ("chr1:5-", "'chr1:5-' is not a region: write contig:start-end, e.g. chr20:1000-2000"),
        ("chr1:-5-5", "'chr1:-5-5' is not a region: write contig:start-end, e.g. chr20:1000-2000"),
        ("chr1:,-,", "'chr1:,-,' is not a region: write contig:start-end, e.g. chr20:1000-2000"),
        ("chr1:5-5", "chr1:5-5: start must be less than end"),
        ("20:5-101", "20:5-101 is not inside of the contig, which is 20:0-100"),
    ],
)
def test_what_is_no_region_is_one_error(text, message):
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        parse_region(text, lengths=LENGTHS)
