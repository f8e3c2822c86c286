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
