"""Overviews equal what pyBigWig reports, and what is computed from the values."""

import numpy as np
import pyBigWig
import pytest

from genometracks.bigwig.overview import read_overview
from genometracks.bigwig.writer import BigWigWriter
from genometracks.errors import UserError

STEP = 10


@pytest.fixture
def values():
    return {
        "a": np.random.default_rng(0).normal(size=70_000).astype(np.float32),
        "b": np.random.default_rng(1).exponential(size=999).astype(np.float32),
    }


@pytest.fixture
def path(tmp_path, values):
    path = tmp_path / "t.bw"
    with BigWigWriter(path, {"a": 700_000, "b": 10_000}, step=STEP) as writer:
        writer.write("a", 0, values["a"])
        writer.write("b", 1, values["b"])
    return path


def test_statistics_equal_those_of_the_values(path, values):
    view, every = read_overview(path), np.concatenate([values["a"], values["b"]]).astype(float)
    assert view.contigs == {"a": 700_000, "b": 10_000}
    assert view.covered == 709_990
    assert (view.min, view.max) == (every.min(), every.max())
    assert view.mean == pytest.approx(every.mean(), rel=1e-12)
    assert view.sd == pytest.approx(every.std(), rel=1e-12)


@pytest.mark.parametrize(
    ("enough", "step"), [(10_000, 640), (1_000, 640), (200, 2560), (1, 655_360)]
)
def test_the_coarsest_level_with_enough_records_is_read(path, values, enough, step):
    view = read_overview(path, enough=enough)
    assert view.step == step
    assert view.records["valid"].sum() == view.covered
    first = values["a"][: step // STEP].astype(float)
    record = view.records[0]
    assert (record["start"], record["min"]) == (0, first.min())
    assert record["max"] == first.max()
    assert record["sum"] == pytest.approx(first.sum() * STEP, rel=1e-5, abs=1e-2)
    assert set(view.records["contig"].tolist()) == {0, 1}


def test_files_of_other_writers_are_read(tmp_path):
    path = tmp_path / "foreign.bw"
    values = np.sin(np.arange(90_000))
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("b", 100_000), ("a", 3000)])
        out.addEntries("b", 0, values=list(values), span=1, step=1)
    view = read_overview(path)
    assert view.contigs == {"b": 100_000, "a": 3000}
    assert view.covered == 90_000
    assert view.mean == pytest.approx(values.mean(), abs=1e-6)
    assert view.records["valid"].sum() == 90_000


def test_a_file_without_values_has_no_statistics(tmp_path):
    with BigWigWriter(tmp_path / "empty.bw", {"a": 100}, step=1):
        pass
    view = read_overview(tmp_path / "empty.bw")
    assert (view.covered, len(view.records)) == (0, 0)
    assert np.isnan([view.min, view.max, view.mean, view.sd]).all()


def test_a_file_that_is_cut_off_is_one_error(path):
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="t.bw: the bigWig is damaged at"):
        read_overview(path, enough=1)
