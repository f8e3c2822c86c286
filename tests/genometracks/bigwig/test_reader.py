"""The reader agrees with pyBigWig on files that others wrote, and refuses what is no bigWig."""

import numpy as np
import pyBigWig
import pytest

from genometracks.bigwig.reader import BigWigReader
from genometracks.errors import UserError


@pytest.fixture
def foreign(tmp_path):
    """A file with bedGraph, variable-step and fixed-step sections, made by pyBigWig."""
    path = tmp_path / "foreign.bw"
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("b", 5000), ("a", 3000), ("empty", 10)])
        out.addEntries(["b"] * 3, [0, 100, 730], ends=[7, 650, 731], values=[1.5, -2.0, 3.0])
        out.addEntries("b", [1000, 1500, 1503], values=[4.0, 5.0, 6.0], span=3)
        out.addEntries("b", 2000, values=list(np.arange(50) / 8), span=5, step=9)
        out.addEntries("a", 0, values=list(np.sin(np.arange(3000))), span=1, step=1)
    return path


def test_intervals_equal_pybigwigs(foreign):
    with pyBigWig.open(str(foreign)) as oracle, BigWigReader(foreign) as reader:
        assert reader.contigs == oracle.chroms()
        for contig in ("a", "b"):
            found = [
                row
                for section in reader.intervals(contig)
                for row in zip(*(column.tolist() for column in section), strict=True)
            ]
            assert found == list(oracle.intervals(contig))
        assert list(reader.intervals("empty")) == []


@pytest.mark.parametrize(
    ("step", "span"),
    [(1, 1), (7, 7), (16, 16), (600, 600), (10_000, 10_000), (7, 2), (100, 99), (600, 1)],
)
@pytest.mark.parametrize("contig", ["a", "b"])
def test_bin_means_equal_a_plain_mean_over_bases(foreign, contig, step, span):
    with pyBigWig.open(str(foreign)) as oracle, BigWigReader(foreign) as reader:
        length = reader.contigs[contig]
        bases = oracle.values(contig, 0, length, numpy=True).astype(np.float64)
        bins = -(-length // step)
        padded = np.pad(bases, (0, bins * step - length), constant_values=np.nan)
        found = reader.bin_means(contig, step, 0, bins, span=span)
        for k, stretch in enumerate(padded.reshape(bins, step)[:, :span]):
            known = stretch[~np.isnan(stretch)]
            if len(known):
                assert found[k] == pytest.approx(known.mean(), rel=1e-6, abs=1e-12)
            else:
                assert np.isnan(found[k])
        first, last = bins // 3, bins - bins // 4
        assert np.array_equal(
            reader.bin_means(contig, step, first, last, span=span),
            found[first:last],
            equal_nan=True,
        )


def test_a_missing_contig_is_named_with_some_that_are_there(foreign):
    with (
        BigWigReader(foreign) as reader,
        pytest.raises(UserError, match=r"foreign.bw: no contig chr1; it has b, a, empty"),
    ):
        reader.bin_means("chr1", 10, 0, 3)


@pytest.mark.parametrize("data", [b"", b"abc", b"not a bigWig at all" * 9])
def test_what_is_no_bigwig_is_refused(tmp_path, data):
    (tmp_path / "x.bw").write_bytes(data)
    with pytest.raises(UserError, match=r"x.bw: not a bigWig file"):
        BigWigReader(tmp_path / "x.bw")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"x.bw: cannot be read: No such file"):
        BigWigReader(tmp_path / "x.bw")


def test_any_damage_is_one_clear_error_or_other_numbers_never_a_crash(foreign, tmp_path):
    sound = foreign.read_bytes()
    broken_path = tmp_path / "broken.bw"
    random = np.random.default_rng(0)
    refused = 0
    for trial in range(300):
        broken = bytearray(sound)
        if trial % 3:
            broken[random.integers(4, len(sound))] ^= 1 << random.integers(8)
        else:
            del broken[random.integers(4, len(sound)) :]
        broken_path.write_bytes(broken)
        try:
            with BigWigReader(broken_path) as reader:
                for contig in reader.contigs:
                    reader.bin_means(contig, 16, 0, 100)
        except UserError as error:
            assert "broken.bw" in str(error)
            refused += 1
    assert refused > 100


def test_the_other_byte_order_is_read(tmp_path):
    """A big-endian file, packed here by hand: one fixed-step section, not compressed."""
    import struct

    tree = struct.pack(">IIIIQQ", 0x78CA8C91, 1, 2, 8, 1, 0)
    tree += struct.pack(">BBH2sII", 1, 0, 1, b"c1", 0, 90)
    at_tree, at_data = 64, 64 + len(tree)
    section = struct.pack(">IIIIIBBH3f", 0, 10, 40, 10, 10, 3, 0, 3, 1.0, 2.0, 4.0)
    at_index = at_data + 8 + len(section)
    index = struct.pack(">IIQIIIIQII", 0x2468ACE0, 1, 1, 0, 10, 0, 40, at_index, 1, 0)
    index += struct.pack(">BBHIIIIQQ", 1, 0, 1, 0, 10, 0, 40, at_data + 8, len(section))
    head = struct.pack(
        ">IHHQQQHHQQIQ", 0x888FFC26, 4, 0, at_tree, at_data, at_index, 0, 0, 0, 0, 0, 0
    )
    path = tmp_path / "big.bw"
    path.write_bytes(head + tree + struct.pack(">Q", 1) + section + index)
    with BigWigReader(path) as reader:
        assert reader.contigs == {"c1": 90}
        found = reader.bin_means("c1", 20, 0, 3)
    np.testing.assert_array_equal(found, [1.0, 3.0, np.nan])
