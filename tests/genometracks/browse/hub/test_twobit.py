"""2bit files, read back by two other programs' readers."""

import random
import struct

import py2bit
import pytest
import twobitreader

from genometracks.browse.hub import twobit
from genometracks.browse.hub.twobit import write_twobit
from genometracks.errors import UserError
from genometracks.inputs.fai import write_fai


def write_fasta(path, sequences):
    """A normalised FASTA with its index."""
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in sequences.items()))
    write_fai(path.with_name(f"{path.name}.fai"), [(n, len(b)) for n, b in sequences.items()])
    return {name: len(bases) for name, bases in sequences.items()}


@pytest.fixture
def sequences():
    draw = random.Random(0)
    made = {f"chr{i}": "".join(draw.choices("ACGTN", k=100 + i)) for i in range(8)}
    return {**made, "n": "N" * 13, "one": "G", "none": "", "long": "ACGT" * 30 + "N" * 50 + "T"}


@pytest.mark.parametrize("chunk", [4, 16, 1 << 20])
def test_two_readers_find_every_base(tmp_path, sequences, monkeypatch, chunk):
    monkeypatch.setattr(twobit, "CHUNK", chunk)
    lengths = write_fasta(tmp_path / "g.fa", sequences)
    out = tmp_path / "hub" / "g.2bit"
    seal = write_twobit(tmp_path / "g.fa", out, contigs=lengths)
    assert seal.bytes == out.stat().st_size
    present = {name: bases for name, bases in sequences.items() if bases}
    reader = py2bit.open(str(out))
    assert reader.chroms() == {name: len(bases) for name, bases in present.items()}
    other = twobitreader.TwoBitFile(str(out))
    for name, bases in present.items():
        assert reader.sequence(name) == bases
        assert str(other[name][0 : len(bases)]) == bases
        assert reader.sequence(name, len(bases) // 2, len(bases)) == bases[len(bases) // 2 :]
    assert reader.info()["hard-masked length"] == sum(b.count("N") for b in present.values())


def test_chunks_do_not_change_a_byte(tmp_path, sequences, monkeypatch):
    lengths = write_fasta(tmp_path / "g.fa", sequences)
    whole = write_twobit(tmp_path / "g.fa", tmp_path / "a.2bit", contigs=lengths)
    monkeypatch.setattr(twobit, "CHUNK", 8)
    parts = write_twobit(tmp_path / "g.fa", tmp_path / "b.2bit", contigs=lengths)
    assert whole.sha256 == parts.sha256


def test_offsets_have_64_bits_in_a_huge_file(tmp_path, sequences, monkeypatch):
    """Version 1 of the format, which the two readers do not know."""
    lengths = write_fasta(tmp_path / "g.fa", sequences)
    out = tmp_path / "g.2bit"
    monkeypatch.setattr(twobit, "LARGEST", 100)
    write_twobit(tmp_path / "g.fa", out, contigs=lengths)
    data = out.read_bytes()
    _, version, count, _ = struct.unpack_from("<IIII", data)
    assert (version, count) == (1, 11)
    (size,) = struct.unpack_from("<B", data, 16)
    assert data[17 : 17 + size] == b"chr0"
    (offset,) = struct.unpack_from("<Q", data, 17 + size)
    length, blocks = struct.unpack_from("<II", data, offset)
    assert length == 100
    starts = struct.unpack_from(f"<{blocks}I", data, offset + 8)
    sizes = struct.unpack_from(f"<{blocks}I", data, offset + 8 + 4 * blocks)
    bases = sequences["chr0"]
    assert sum(sizes) == bases.count("N")
    assert all(bases[a : a + n] == "N" * n for a, n in zip(starts, sizes, strict=True))


def test_other_contigs_than_those_of_the_fasta_are_refused(tmp_path, sequences):
    lengths = write_fasta(tmp_path / "g.fa", sequences)
    for wrong in ({**lengths, "chr9": 5}, {**lengths, "one": 2}):
        with pytest.raises(UserError, match="g.fa: contig (chr9|one) is missing or cut: delete it"):
            write_twobit(tmp_path / "g.fa", tmp_path / "g.2bit", contigs=wrong)
    (tmp_path / "g.fa").write_text(">chr0\nACGT")
    with pytest.raises(UserError, match="g.fa: shorter than its index states: delete it and run"):
        write_twobit(tmp_path / "g.fa", tmp_path / "g.2bit", contigs=lengths)
    assert not (tmp_path / "g.2bit").exists()
    (tmp_path / "g.fa").unlink()
    with pytest.raises(UserError, match="g.fa: does not exist: run again"):
        write_twobit(tmp_path / "g.fa", tmp_path / "g.2bit", contigs=lengths)


def test_a_name_that_the_format_cannot_hold_is_refused(tmp_path):
    lengths = write_fasta(tmp_path / "g.fa", {"x" * 256: "ACGT"})
    with pytest.raises(UserError, match="the name of contig x{60}... is longer than a 2bit holds"):
        write_twobit(tmp_path / "g.fa", tmp_path / "g.2bit", contigs=lengths)
