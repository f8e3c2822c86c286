"""The reader agrees with pyBigWig on other writers' files, and refuses what is not a bigWig."""

import struct
import zlib

import numpy as np
import pyBigWig
import pytest

from crafted_bigwigs import TRAPS, pack_bigwig
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


def test_a_missing_contig_is_named_with_some_that_exist(foreign):
    with (
        BigWigReader(foreign) as reader,
        pytest.raises(UserError, match=r"foreign.bw: no contig chr1; it has b, a, empty"),
    ):
        reader.bin_means("chr1", 10, 0, 3)


@pytest.mark.parametrize("data", [b"", b"abc", b"not a bigWig at all" * 9])
def test_a_file_that_is_not_a_bigwig_is_refused(tmp_path, data):
    (tmp_path / "x.bw").write_bytes(data)
    with pytest.raises(UserError, match=r"x.bw: not a bigWig file"):
        BigWigReader(tmp_path / "x.bw")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"x.bw: cannot be read: No such file"):
        BigWigReader(tmp_path / "x.bw")


def test_any_damage_ends_in_a_result_or_one_error(foreign, tmp_path):
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


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_both_byte_orders_are_read_compressed_or_not(tmp_path, order, compressed):
    path = tmp_path / "x.bw"
    path.write_bytes(pack_bigwig(order, compressed=compressed))
    with BigWigReader(path) as reader:
        assert reader.contigs == {"c1": 90}
        found = reader.bin_means("c1", 20, 0, 3)
    np.testing.assert_array_equal(found, [1.0, 3.0, np.nan])


def test_a_value_that_is_not_a_number_covers_nothing(tmp_path):
    values = (0, 10, 40, 10, 10, 3, 0, 3, 1.0, np.nan, 4.0)
    path = tmp_path / "x.bw"
    path.write_bytes(pack_bigwig(section=struct.pack("<IIIIIBBH3f", *values)))
    with BigWigReader(path) as reader:
        np.testing.assert_array_equal(reader.bin_means("c1", 20, 0, 2), [1.0, 4.0])


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_one_error_at_once(tmp_path, trap):
    """pybigtools 0.3.0 never returns from some of these, and ends the process on others."""
    path = tmp_path / "x.bw"
    path.write_bytes(pack_bigwig(**TRAPS[trap]))
    with (
        pytest.raises(UserError, match=r"x.bw: the bigWig is damaged at .*: copy or make it again"),
        BigWigReader(path) as reader,
    ):
        reader.bin_means("c1", 20, 0, 3)


def test_a_flipped_bit_in_a_compressed_section_is_never_read_as_other_numbers(tmp_path):
    path = tmp_path / "x.bw"
    values = np.random.default_rng(0).normal(size=200)
    section = struct.pack("<IIIIIBBH200f", 0, 0, 90, 0, 0, 3, 0, 200, *values)
    sound = pack_bigwig(compressed=True, section=section)
    begin = sound.index(zlib.compress(section))
    for byte in range(begin, begin + len(zlib.compress(section))):
        broken = bytearray(sound)
        broken[byte] ^= 1 << byte % 8
        path.write_bytes(broken)
        with BigWigReader(path) as reader, pytest.raises(UserError, match="damaged at a section"):
            reader.bin_means("c1", 20, 0, 3)
