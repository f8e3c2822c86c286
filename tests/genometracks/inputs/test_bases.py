"""Base codes of any interval equal those of a plain loop."""

import os

import numpy as np
import pytest

from genometracks.errors import UserError
from genometracks.inputs.bases import Bases
from genometracks.inputs.genome import scan_fasta
from toys import write_fasta

CODE = {base: code for code, base in enumerate("ACGT")}


def read_bases(tmp_path, contigs: dict[str, str]) -> Bases:
    fasta = write_fasta(tmp_path / "in.fa", contigs)
    scan_fasta(fasta, tmp_path / "out.fa", name="g", patterns=["*"])
    return Bases(tmp_path / "out.fa")


def plain_codes(bases: str) -> list[int]:
    return [CODE.get(base.upper(), 4) for base in bases]


def test_codes_equal_a_plain_loop_over_the_sequence(tmp_path, contigs):
    bases = read_bases(tmp_path, contigs)
    for name, sequence in contigs.items():
        assert bases.codes(name, 0, len(sequence)).tolist() == plain_codes(sequence)
        assert bases.codes(name, -5, 9).tolist() == [4] * 5 + plain_codes(sequence[:9])
        end = len(sequence)
        assert bases.codes(name, end - 3, end + 4).tolist() == plain_codes(sequence)[-3:] + [4] * 4
        assert bases.codes(name, end + 10, end + 12).tolist() == [4, 4]


def test_codes_are_bytes(tmp_path):
    assert read_bases(tmp_path, {"a": "ACGTN"}).codes("a", 0, 5).dtype == np.uint8


def test_a_changed_contig_is_named(tmp_path):
    fasta = write_fasta(tmp_path / "in.fa", {"a": "ACGT", "b": "GG"})
    index = scan_fasta(fasta, tmp_path / "out.fa", name="g", patterns=["*"])
    planned = {contig.name: contig.sha256 for contig in index.contigs}
    Bases(tmp_path / "out.fa").check(planned)
    path = tmp_path / "out.fa"
    with path.open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"C")
    os.utime(f"{path}.fai")
    message = "out.fa: contig b changed since the plan was made: delete this file and run again$"
    with pytest.raises(UserError, match=message):
        Bases(path).check(planned)
    with pytest.raises(UserError, match="out.fa: contig c changed since the plan"):
        Bases(path).check({"c": planned["a"]})


def test_a_truncated_file_and_a_damaged_index_are_named(tmp_path):
    bases = read_bases(tmp_path, {"a": "ACGT", "b": "GG"})
    path = tmp_path / "out.fa"
    path.write_bytes(path.read_bytes()[:-2])
    message = "out.fa: shorter than its index states: delete it and run again$"
    with pytest.raises(UserError, match=message):
        bases.codes("b", 0, 2)
    (tmp_path / "out.fa.fai").write_text("a\tx\n")
    message = r"out.fa.fai: no usable index \(.*\): delete it and run again$"
    with pytest.raises(UserError, match=message):
        Bases(path)


FAI = "a\t4\t3\t4\t5\nb\t2\t11\t2\t3\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "contig a is missing"),
        (FAI[:-1], r"its last line is cut"),
        (FAI.replace("\t3\t", "\t-3\t"), "line 1 is not that of a normalised FASTA"),
        (FAI.replace("\t11\t", f"\t{10**30}\t"), "line 2 is not that"),
        (FAI.replace("b\t2", "b\t-2"), "line 2 is not that"),
        (FAI.replace("b\t2", "b\t" + "9" * 5000), "line 2 is not that|Exceeds the limit"),
        (FAI.replace("b\t2", "b\t\u0662"), "line 2 is not that"),
        (FAI.replace("\t2\t3\n", "\n"), "line 2 is not that"),
        ("\n" + FAI, "line 1 is not that"),
        (FAI + "a\t4\t17\t4\t5\n", "line 3 is not that"),
        (FAI.replace("\t4\t5", "\t0\t0"), "line 1 is not that"),
        (FAI.replace("a", "\0"), "line 1 is not that|contig a is missing"),
    ],
)
def test_a_damaged_index_is_one_error(tmp_path, text, reason):
    read_bases(tmp_path, {"a": "ACGT", "b": "GG"})
    assert (tmp_path / "out.fa.fai").read_text() == FAI
    (tmp_path / "out.fa.fai").write_text(text)
    with pytest.raises(
        UserError, match=rf"^{tmp_path}/out.fa.*({reason}).*: delete .*and run again$"
    ):
        Bases(tmp_path / "out.fa").codes("a", 0, 2)


def test_no_flipped_bit_of_the_index_gives_other_bases(tmp_path):
    bases = read_bases(tmp_path, {"a": "ACGT", "b": "GG"})
    right = bases.codes("b", 0, 2).tolist()
    for position in range(len(FAI)):
        for bit in range(8):
            flipped = bytearray(FAI.encode())
            flipped[position] ^= 1 << bit
            (tmp_path / "out.fa.fai").write_bytes(flipped)
            try:
                assert Bases(tmp_path / "out.fa").codes("b", 0, 2).tolist() == right
            except UserError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize("lost", ["out.fa", "out.fa.fai"])
def test_a_missing_file_is_one_error(tmp_path, lost):
    read_bases(tmp_path, {"a": "ACGT"})
    (tmp_path / lost).unlink()
    with pytest.raises(
        UserError, match=rf"{lost}: .*No such file or directory.*: delete it and run"
    ):
        Bases(tmp_path / "out.fa")
