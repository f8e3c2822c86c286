"""Sites and regions as bigBeds: the intervals that the evaluation and the plan use."""

import pyBigWig
import pytest

from genometracks.browse.reference.marks import write_regions, write_sites
from genometracks.config.sections import Sites
from genometracks.errors import UserError

LENGTHS = {"chr1": 1000, "none": 0}


def test_sites_are_the_bases_that_are_evaluated(tmp_path):
    path = tmp_path / "tss.bed"
    path.write_text(
        "1\t10\t30\ta\t0\t+\n1\t10\t40\tb\t0\t+\n1\t50\t60\tc\t0\t-\n9\t1\t2\td\t0\t+\n"
    )
    entry = Sites("one", str(path), at="5'", aliases={"chr1": "1"})
    write_sites(entry, tmp_path / "s.bb", key="evaluation.sites[0]", lengths=LENGTHS)
    found = pyBigWig.open(str(tmp_path / "s.bb")).entries("chr1", 0, 1000)
    assert found == [(10, 11, ""), (59, 60, "")]


def test_regions_are_merged(tmp_path):
    path = tmp_path / "regions.bed"
    path.write_text("chr1\t20\t40\nchr1\t10\t30\nchr1\t100\t1000\n")
    write_regions(path, tmp_path / "r.bb", key="genome.regions", lengths=LENGTHS)
    found = pyBigWig.open(str(tmp_path / "r.bb")).entries("chr1", 0, 1000)
    assert found == [(10, 40, ""), (100, 1000, "")]


def test_errors_name_the_key(tmp_path):
    path = tmp_path / "regions.bed"
    path.write_text("chrZ\t20\t40\n")
    with pytest.raises(UserError, match="check genome.blacklist and genome.contigs"):
        write_regions(path, tmp_path / "r.bb", key="genome.blacklist", lengths=LENGTHS)
    assert not (tmp_path / "r.bb").exists()
