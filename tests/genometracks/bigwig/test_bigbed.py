"""bigBeds: read back by two other programs' readers, and by hand where those do not look."""

import struct
from pathlib import Path

import numpy as np
import pybigtools
import pyBigWig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.bigwig.bigbed import BED3, BED12, Rows, write_bigbed
from genometracks.bigwig.coverage import cover_cells
from genometracks.bigwig.format import Summary
from genometracks.errors import UserError

CONTIGS = {"chr2": 900_000, "chr1": 1_000_000, "tiny": 30}


def make_rows(count: int, *, length: int, seed: int = 0) -> Rows:
    """Random genes of one exon, some of which share starts and names."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, length - 60_000, count) // 500 * 500
    intervals = np.column_stack([starts, starts + rng.integers(1, 60_000, count)])
    intervals = intervals[np.lexsort((intervals[:, 1], intervals[:, 0]))]
    rest = [
        f"gene{i % 700}\t0\t+\t{low}\t{high}\t0\t1\t{high - low},\t0,\tt{i}".encode()
        for i, (low, high) in enumerate(intervals.tolist())
    ]
    return Rows(intervals, rest)


@pytest.fixture
def features():
    return {"chr1": make_rows(1500, length=1_000_000), "chr2": make_rows(3, length=900_000)}


def test_two_readers_find_every_feature(tmp_path, features):
    path = tmp_path / "a" / "genes.bb"
    seal = write_bigbed(path, CONTIGS, features, layout=BED12)
    assert seal.bytes == path.stat().st_size
    oracle, other = pyBigWig.open(str(path)), pybigtools.open(str(path))
    assert oracle.isBigBed() and oracle.chroms() == CONTIGS
    assert list(oracle.chroms()) == ["chr1", "chr2", "tiny"]
    for contig, rows in features.items():
        expected = [
            (low, high, text.decode())
            for (low, high), text in zip(rows.intervals.tolist(), rows.rest, strict=True)
        ]
        assert oracle.entries(contig, 0, CONTIGS[contig]) == expected
        assert list(other.records(contig)) == [(a, b, *c.split("\t")) for a, b, c in expected]
        found = oracle.entries(contig, 500_000, 500_100) or []
        assert found == [each for each in expected if each[0] < 500_100 and each[1] > 500_000]
    assert not oracle.entries("tiny", 0, 30)


def test_the_columns_are_declared(tmp_path, features):
    path = tmp_path / "genes.bb"
    write_bigbed(path, CONTIGS, features, layout=BED12)
    header = struct.unpack("<IHHQQQHHQQIQ", path.read_bytes()[:64])
    assert header[6:8] == (13, 12)
    declared = pyBigWig.open(str(path)).SQL().decode()
    assert declared.startswith('table transcripts\n"Transcripts of genes"\n(\n    string chrom;')
    assert [line.split()[1].rstrip(";") for line in declared.splitlines()[3:-1]] == [
        *("chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd"),
        *("reserved", "blockCount", "blockSizes", "chromStarts", "transcript"),
    ]


def test_intervals_without_names_have_three_columns(tmp_path):
    path = tmp_path / "sites.bb"
    intervals = np.array([[0, 1], [5, 9], [5, 12]])
    write_bigbed(path, CONTIGS, {"tiny": Rows(intervals)}, layout=BED3)
    assert pyBigWig.open(str(path)).entries("tiny", 0, 30) == [(0, 1, ""), (5, 9, ""), (5, 12, "")]
    assert list(pybigtools.open(str(path)).records("tiny")) == [(0, 1), (5, 9), (5, 12)]
    header = struct.unpack("<IHHQQQHHQQIQ", path.read_bytes()[:64])
    assert header[6:8] == (3, 3) and header[-1] == 0


def test_a_file_without_features_can_be_read(tmp_path):
    path = tmp_path / "none.bb"
    write_bigbed(path, CONTIGS, {}, layout=BED3)
    assert not pyBigWig.open(str(path)).entries("chr1", 0, 1000)
    assert list(pybigtools.open(str(path)).records("chr1")) == []


def test_zoom_levels_hold_how_many_features_cover_a_base(tmp_path, features):
    path = tmp_path / "genes.bb"
    write_bigbed(path, CONTIGS, features, layout=BED12)
    depth = np.zeros(1_000_000)
    for low, high in features["chr1"].intervals.tolist():
        depth[low:high] += 1
    cells = depth[: 4096 * 244].reshape(244, 4096)
    reader = pybigtools.open(str(path))
    means = reader.values("chr1", 0, 4096 * 244, bins=244, fillna=None)
    expected = cells.sum(axis=1) / np.maximum((cells > 0).sum(axis=1), 1)
    assert np.allclose(np.nan_to_num(means), expected, rtol=1e-6)
    summary = reader.info()["summary"]
    second = features["chr2"].intervals
    assert summary["max"] == depth.max()
    assert summary["sum"] == depth.sum() + (second[:, 1] - second[:, 0]).sum()


def find_names(path: Path, name: str) -> list[tuple[int, int]]:
    """Follow the index of names from the header to (offset, size) of the blocks of a name."""
    data = path.read_bytes()
    (extension,) = struct.unpack_from("<Q", data, 56)
    size, count, at = struct.unpack_from("<HHQ", data, extension)
    assert (size, count) == (64, 1)
    kind, fields, tree, _, column, _ = struct.unpack_from("<HHQIHH", data, at)
    assert (kind, fields, column) == (0, 1, 3)
    magic, _, key_size, value_size, total, _ = struct.unpack_from("<IIIIQQ", data, tree)
    assert (magic, value_size) == (0x78CA8C91, 16)
    found, waiting, seen = [], [tree + 32], 0
    while waiting:
        offset = waiting.pop()
        leaf, _, children = struct.unpack_from("<BBH", data, offset)
        width = key_size + (16 if leaf else 8)
        for child in range(children):
            place = offset + 4 + width * child
            if not leaf:
                waiting.append(struct.unpack_from("<Q", data, place + key_size)[0])
                continue
            seen += 1
            if data[place : place + key_size].rstrip(b"\0").decode() == name:
                found.append(struct.unpack_from("<QQ", data, place + key_size))
    assert seen == total
    return found


def test_the_index_of_names_leads_to_the_blocks_that_hold_them(tmp_path, features):
    import zlib

    path = tmp_path / "genes.bb"
    write_bigbed(path, CONTIGS, features, layout=BED12)
    blocks = find_names(path, "gene5")
    expected = sum(text.startswith(b"gene5\t") for each in features.values() for text in each.rest)
    data = path.read_bytes()
    inflated = b"".join(zlib.decompress(data[at : at + size]) for at, size in set(blocks))
    assert len(blocks) == len(set(blocks))
    assert inflated.count(b"gene5\t") == expected >= 3
    assert find_names(path, "gene9999") == []


def test_many_contigs_and_blocks_are_found_through_their_trees(tmp_path):
    contigs = {f"c{i:04}": 10_000 for i in range(700)}
    row = Rows(np.array([[1, 9_000], [2, 4]]))
    path = tmp_path / "a.bb"
    write_bigbed(path, contigs, dict.fromkeys(contigs, row), layout=BED3)
    oracle = pyBigWig.open(str(path))
    for contig in contigs:
        assert oracle.entries(contig, 5000, 5001) == [(1, 9000, "")]


def test_a_long_feature_in_an_early_block_is_found_far_behind_it(tmp_path):
    """The index of blocks covers the largest end of a block, not that of its last feature."""
    starts = np.arange(300_000)
    intervals = np.column_stack([starts, starts + 1])
    intervals[0] = 0, 900_000
    path = tmp_path / "a.bb"
    write_bigbed(path, CONTIGS, {"chr1": Rows(intervals)}, layout=BED3)
    assert pyBigWig.open(str(path)).entries("chr1", 800_000, 800_001) == [(0, 900_000, "")]


def test_the_same_features_give_the_same_bytes(tmp_path, features):
    seals = [
        write_bigbed(tmp_path / f"{i}.bb", CONTIGS, features, layout=BED12).sha256 for i in range(2)
    ]
    assert seals[0] == seals[1]


def test_a_contig_that_the_format_cannot_hold_is_refused(tmp_path):
    with pytest.raises(UserError, match="a bigBed cannot hold contig huge of 4294967296 bp"):
        write_bigbed(tmp_path / "a.bb", {"huge": 2**32}, {}, layout=BED3)
    assert list(tmp_path.iterdir()) == []


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), min_size=1, max_size=20),
    st.sampled_from([1, 7, 32]),
)
def test_coverage_equals_that_of_a_loop_over_bases(given_intervals, cell):
    intervals = np.array(sorted((low, low + size) for low, size in given_intervals))
    summary = Summary()
    cells = cover_cells(intervals, cell=cell, summary=summary)
    depth = np.zeros(300)
    for low, high in intervals.tolist():
        depth[low:high] += 1
    touched = [i for i in range(300 // cell + 1) if depth[i * cell : (i + 1) * cell].any()]
    assert cells.index.tolist() == touched
    for row, i in enumerate(touched):
        part = depth[i * cell : (i + 1) * cell]
        part = part[part > 0]
        assert cells.valid[row] == len(part)
        assert (cells.min[row], cells.max[row]) == (part.min(), part.max())
        assert (cells.sum[row], cells.squares[row]) == (part.sum(), (part**2).sum())
    covered = depth[depth > 0]
    assert (summary.covered, summary.sum) == (len(covered), covered.sum())
    assert (summary.min, summary.max) == (covered.min(), covered.max())
