"""bigWig files: every value, the summary and every zoom record, against a plain computation."""

import os
import struct
import zlib

import numpy as np
import pybigtools
import pyBigWig
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genometracks.bigwig import writer as bigwig
from genometracks.bigwig.reader import BigWigReader
from genometracks.bigwig.writer import BigWigWriter
from genometracks.errors import UserError

Runs = list[tuple[str, int, np.ndarray]]


def numbers(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count).astype(np.float32)


# Contigs, base pairs from bin to bin (with a span, if that is less), runs of values.
CASES: dict[str, tuple[dict[str, int], int | tuple[int, int], Runs]] = {
    "dense": ({"c": 32 * 40_000}, 32, [("c", 0, numbers(40_000))]),
    "sparse": (
        {"c": 16 * 9000},
        16,
        [("c", first, numbers(7, first)) for first in (3, 11, 40, 63, 1000, 8191, 8990)],
    ),
    "one bin": ({"c": 50_000, "d": 9}, 8, [("d", 0, numbers(1))]),
    "partial last bin": (
        {"a": 1003, "b": 1000, "c": 5},
        10,
        [("a", 60, numbers(41)), ("b", 0, numbers(100, 1)), ("c", 0, numbers(1, 2))],
    ),
    "many contigs": (
        {f"contig_{i}": 40 + i % 50 for i in range(10_000)},
        16,
        [(f"contig_{i}", 0, numbers(2 + i % 2, i)) for i in sorted(range(10_000), key=str)],
    ),
    "1 bp": ({"c": 20_000, "x": 70}, 1, [("c", 5, numbers(19_995)), ("x", 69, numbers(1))]),
    "bins apart": (
        {"a": 100 * 9000 + 30, "b": 100 * 500 + 29, "c": 12, "e": 100 * 33},
        (100, 30),
        [
            ("a", 7, numbers(8994)),
            ("b", 0, numbers(40, 1)),
            ("b", 64, numbers(437, 2)),
            ("c", 0, numbers(1, 3)),
            ("e", 0, numbers(33, 4)),
        ],
    ),
    "wide bins": ({"c": 10**9}, 100_000, [("c", 0, numbers(10_000))]),
    "across chunks": (
        {"c": 4 * 600_000},
        4,
        [("c", 0, numbers(300_001)), ("c", 300_050, numbers(299_950, 1))],
    ),
}


def write(path, contigs, step, runs: Runs, **options):
    step, span = step if isinstance(step, tuple) else (step, None)
    with BigWigWriter(path, contigs, step=step, span=span, **options) as writer:
        for contig, first, values in runs:
            writer.write(contig, first, values)
    return path


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    contigs, step, runs = CASES[request.param]
    return contigs, step, runs, write(tmp_path / "x.bw", contigs, step, runs)


def plain_intervals(contigs, step, runs: Runs) -> dict[str, list[tuple[int, int, float]]]:
    found: dict = {}
    step, span = step if isinstance(step, tuple) else (step, step)
    for contig, first, values in runs:
        for k, value in enumerate(values.tolist(), start=first):
            end = min(k * step + span, contigs[contig])
            found.setdefault(contig, []).append((k * step, end, value))
    return found


def test_pybigwig_reads_the_values_back(case):
    contigs, step, runs, path = case
    with pyBigWig.open(str(path)) as oracle:
        assert oracle.chroms() == contigs
        expected = plain_intervals(contigs, step, runs)
        for contig, rows in list(expected.items())[:200]:
            assert list(oracle.intervals(contig)) == rows
        if "d" in contigs:
            assert oracle.intervals("c") is None


def test_pybigtools_reads_the_values_back(case):
    contigs, step, runs, path = case
    oracle = pybigtools.open(str(path))
    assert oracle.chroms() == contigs
    for contig, rows in list(plain_intervals(contigs, step, runs).items())[:200]:
        assert list(oracle.records(contig)) == rows
    oracle.close()


def test_our_reader_reads_the_values_back(case):
    contigs, step, runs, path = case
    with BigWigReader(path) as reader:
        assert reader.contigs == contigs
        for contig, rows in list(plain_intervals(contigs, step, runs).items())[:200]:
            found = [
                row
                for section in reader.intervals(contig)
                for row in zip(*(column.tolist() for column in section), strict=True)
            ]
            assert found == rows


def test_the_headers_summary_is_exact(case):
    contigs, step, runs, path = case
    rows = np.array([row for rows in plain_intervals(contigs, step, runs).values() for row in rows])
    lengths, values = rows[:, 1] - rows[:, 0], rows[:, 2]
    data = path.read_bytes()
    at = struct.unpack_from("<Q", data, 44)[0]
    valid, low, high, total, squares = struct.unpack_from("<Qdddd", data, at)
    assert (valid, low, high) == (lengths.sum(), values.min(), values.max())
    np.testing.assert_allclose(total, (lengths * values).sum(), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(squares, (lengths * values**2).sum(), rtol=1e-9)


def parse_zooms(data: bytes) -> dict[int, list[tuple]]:
    """All records of all zoom levels, found through each level's index: {reduction: records}."""
    levels = {}
    for i in range(struct.unpack_from("<H", data, 6)[0]):
        reduction, _, at, index = struct.unpack_from("<IIQQ", data, 64 + 24 * i)
        records = []
        for offset, size in leaf_blocks(data, index + 48):
            assert at < offset < index, "blocks are between their level's start and its index"
            records += list(struct.iter_unpack("<IIIIffff", zlib.decompress(data[offset:][:size])))
        assert len(records) == struct.unpack_from("<I", data, at)[0]
        levels[reduction] = records
    return levels


def leaf_blocks(data: bytes, node: int) -> list[tuple[int, int]]:
    leaf, _, count = struct.unpack_from("<BBH", data, node)
    if leaf:
        rows = [struct.unpack_from("<IIIIQQ", data, node + 4 + 32 * i) for i in range(count)]
        return [(row[4], row[5]) for row in rows]
    children = [struct.unpack_from("<IIIIQ", data, node + 4 + 24 * i)[4] for i in range(count)]
    return [block for child in children for block in leaf_blocks(data, child)]


def test_every_zoom_record_is_exact(case):
    contigs, step, runs, path = case
    names = sorted(contigs)
    levels = parse_zooms(path.read_bytes())
    assert levels and min(levels) == 64 * (step[0] if isinstance(step, tuple) else step)
    for reduction, records in levels.items():
        expected: dict = {}
        for contig, rows in plain_intervals(contigs, step, runs).items():
            for start, end, value in rows:
                cell = (names.index(contig) if len(names) < 9 else contig, start // reduction)
                expected.setdefault(cell, []).append((end - start, value))
        if len(names) >= 9:
            order = {name: i for i, name in enumerate(names)}
            expected = {(order[name], j): rows for (name, j), rows in expected.items()}
        assert [(row[0], row[1] // reduction) for row in records] == sorted(expected)
        for contig, start, end, valid, low, high, total, squares in records:
            rows = expected[contig, start // reduction]
            lengths = np.array([row[0] for row in rows])
            values = np.array([row[1] for row in rows])
            assert start % reduction == 0
            assert end == min(start + reduction, contigs[names[contig]])
            assert (valid, low, high) == (lengths.sum(), values.min(), values.max())
            scale = np.abs(lengths * values).sum()
            assert abs(total - (lengths * values).sum()) <= 1e-6 * scale + 1e-30
            assert abs(squares - (lengths * values**2).sum()) <= 1e-6 * squares + 1e-30


def test_zoom_statistics_of_pybigwig_agree_with_the_values(tmp_path):
    contigs, step, runs = CASES["dense"]
    path = write(tmp_path / "x.bw", contigs, step, runs)
    values = runs[0][2][: 32 * 1024].astype(np.float64)
    with pyBigWig.open(str(path)) as oracle:
        for kind, plain in (("mean", np.mean), ("max", np.max), ("min", np.min)):
            found = oracle.stats("c", 0, 32 * 1024 * 32, type=kind, nBins=8)
            expected = [plain(part) for part in np.split(values, 8)]
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_other_readers_count_only_the_bases_of_bins_apart(tmp_path):
    contigs, step, runs = CASES["bins apart"]
    path = write(tmp_path / "x.bw", contigs, step, runs)
    covered = 30 * (8994 + 40 + 437 + 1 + 33) - 1 - 18  # the ends of b and c cut a bin
    # Six records of a zoom level of 102,400 bp: bins 1024 to 7167 of contig a.
    values = np.repeat(runs[0][2][1017:7161].astype(np.float64), 30)
    with pyBigWig.open(str(path)) as oracle:
        (coverage,) = oracle.stats("a", 102_400, 716_800, type="coverage")
        (mean,) = oracle.stats("a", 102_400, 716_800, type="mean")
        assert oracle.header()["nBasesCovered"] == covered
    assert coverage == pytest.approx(0.3, rel=1e-6)
    assert mean == pytest.approx(values.mean(), rel=1e-4)
    other = pybigtools.open(str(path))
    found = other.values("a", 102_400, 716_800, bins=6, summary="mean", exact=False, fillna=None)
    expected = [part.mean() for part in np.split(values, 6)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert other.info()["summary"]["basesCovered"] == covered
    other.close()


@settings(max_examples=25)
@given(data=st.data())
def test_pieces_do_not_change_a_byte(tmp_path_factory, data):
    tmp_path = tmp_path_factory.mktemp("pieces")
    contigs = {"a": 16 * 70_000 + 5, "b": 999}
    runs = [
        ("a", 3, numbers(60_000)),
        ("a", 60_010, numbers(9991, 1)),
        ("b", 0, numbers(63, 2)),
    ]
    whole = write(tmp_path / "whole.bw", contigs, 16, runs)
    pieces = []
    for contig, first, values in runs:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=6)))
        for begin, end in zip([0, *cuts], [*cuts, len(values)], strict=True):
            pieces.append((contig, first + begin, values[begin:end]))
    cut = write(tmp_path / "cut.bw", contigs, 16, pieces)
    assert cut.read_bytes() == whole.read_bytes()


def test_chunks_of_another_size_keep_values_and_zooms(tmp_path, monkeypatch):
    contigs, step, runs = CASES["sparse"]
    usual = write(tmp_path / "usual.bw", contigs, step, runs)
    monkeypatch.setattr(bigwig, "CHUNK", bigwig.ITEMS)
    assert write(tmp_path / "small.bw", contigs, step, runs).read_bytes() == usual.read_bytes()


def test_contigs_in_the_header_are_sorted_by_name(tmp_path):
    path = write(
        tmp_path / "x.bw", {"chr2": 100, "chr10": 100, "chr1": 100}, 10, [("chr1", 0, numbers(3))]
    )
    with pyBigWig.open(str(path)) as oracle:
        assert list(oracle.chroms()) == ["chr1", "chr10", "chr2"]


def test_a_file_without_values_is_readable(tmp_path):
    path = write(tmp_path / "x.bw", {"c": 100}, 10, [])
    with pyBigWig.open(str(path)) as oracle:
        assert oracle.chroms() == {"c": 100} and oracle.intervals("c") is None
    with BigWigReader(path) as reader:
        assert list(reader.intervals("c")) == []


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ([("x", 0, [1])], r"no contig x in the header"),
        ([("b", 0, [1]), ("a", 0, [1])], r"bins out of order at a:0-10"),
        ([("a", 5, [1]), ("a", 4, [1])], r"bins out of order at a:40-50"),
        ([("a", 9, [1, 2, 3])], r"bins past the end of the contig \(105\) at a:90-120"),
        ([("a", 2, [1, np.nan])], r"nan at a:30-40: not a number"),
        ([("a", 10, [np.inf])], r"inf at a:100-105: not a number"),
    ],
)
def test_bad_values_are_refused_and_leave_nothing(tmp_path, calls, message):
    with (
        pytest.raises(UserError, match=message),
        BigWigWriter(tmp_path / "x.bw", {"a": 105, "b": 50}, step=10) as writer,
    ):
        for contig, first, values in calls:
            writer.write(contig, first, np.array(values, np.float32))
    assert os.listdir(tmp_path) == []


def test_a_failure_leaves_the_older_file(tmp_path):
    path = write(tmp_path / "x.bw", {"c": 100}, 10, [("c", 0, numbers(10))])
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), BigWigWriter(path, {"c": 100}, step=10) as writer:
        writer.write("c", 0, numbers(5))
        raise ZeroDivisionError
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["x.bw"]


@pytest.mark.parametrize("length", [0, 2**32])
def test_a_contig_that_the_format_cannot_hold_is_refused(tmp_path, length):
    with pytest.raises(UserError, match=f"a bigWig cannot hold contig c of {length} bp"):
        BigWigWriter(tmp_path / "x.bw", {"c": length}, step=1)
