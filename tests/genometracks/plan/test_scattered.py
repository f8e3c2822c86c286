"""A genome with more runs of N than can be listed is planned from its bases, in bounded memory."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.common.intervals import EMPTY, find_runs, merge_intervals
from genometracks.errors import UserError
from genometracks.inputs import fasta as fasta_module
from genometracks.inputs import genome as genome_module
from genometracks.inputs.bases import Bases
from genometracks.inputs.bed import Bed
from genometracks.inputs.genome import GenomeIndex, scan_fasta
from genometracks.plan import scattered, tile
from genometracks.plan.geometry import place_windows
from genometracks.plan.segments import find_segments
from genometracks.plan.tile import Scope
from toys import measured_geometry, plan_by_hand, write_fasta


def scan(folder: Path, contigs: dict[str, str]) -> GenomeIndex:
    fasta = write_fasta(folder / "in.fa", contigs)
    return scan_fasta(fasta, folder / "genome.fa", name="g", patterns=["*"])


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 9)), min_size=1, max_size=25),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 20)), max_size=4),
)
def test_bins_found_piece_by_piece_equal_those_of_listed_runs(
    tmp_path_factory, runs, size, span, piece, listed
):
    bases = "".join(("N" if unknown else "A") * length for unknown, length in runs)
    index = scan(tmp_path_factory.mktemp("g"), {"a": bases})
    gaps = find_runs(np.array([base == "N" for base in bases]))
    rows = [[start, min(start + more, len(bases))] for start, more in listed if start < len(bases)]
    blacklist = merge_intervals(np.array(rows)) if rows else EMPTY
    span = min(span, size)
    expected = find_segments(
        len(bases), merge_intervals(np.concatenate([gaps, blacklist])), size, span=span
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scattered, "PIECE", piece)
        file = Path(index.source).parent / "genome.fa"
        found = scattered.find_scattered(
            index.contigs[0], Bases(file), blacklist, size=size, span=span, most=10**6
        )
    assert found.tolist() == expected.tolist()


@pytest.fixture
def few(monkeypatch):
    """At most five runs of N, or of bins, are listed."""
    for module in (genome_module, scattered, tile):
        monkeypatch.setattr(module, "LISTED", 5)


CONTIGS = {"a": "NNACGTNNA", "b": "ACGTN" * 8 + "N" * 20 + "ACGTN" * 8, "c": "ACGNT", "d": "ACNNNA"}


def plan(genome: GenomeIndex, size: int = 4, **beds):
    geometry = place_windows(
        measured_geometry(16, size, 0, 16 // size), stride=None, trim=0, blend=0, edges="pad"
    )
    return plan_by_hand(Scope(genome, **beds), geometry, batch=1, shards=3)


def test_a_plan_does_not_depend_on_whether_runs_are_listed(tmp_path, few, monkeypatch):
    beds = {"blacklist": Bed("x.bed", "", {"b": np.array([[40, 70]])}, 0)}
    genome = scan(tmp_path, CONTIGS)
    assert [len(contig.gaps) for contig in genome.contigs] == [2, 0, 1, 1]
    assert [contig.scattered for contig in genome.contigs] == [0, 36, 0, 0]
    assert [contig.unknown for contig in genome.contigs] == [4, 36, 1, 3]
    genome.save(tmp_path / "genome.json")
    assert GenomeIndex.load(tmp_path / "genome.json") == genome
    plans = [plan(genome), plan(genome, **beds)]
    monkeypatch.setattr(genome_module, "LISTED", 1000)
    listed = scan(tmp_path, CONTIGS)
    assert listed.bases is None and not any(contig.scattered for contig in listed.contigs)
    for found, expected in zip(plans, [plan(listed), plan(listed, **beds)], strict=True):
        found.save(tmp_path / "found.json")
        expected.save(tmp_path / "expected.json")
        assert (tmp_path / "found.json").read_bytes() == (tmp_path / "expected.json").read_bytes()


def test_too_many_runs_of_bins_are_refused(tmp_path, few):
    with pytest.raises(UserError) as error:
        plan(scan(tmp_path, CONTIGS), size=1)
    assert str(error.value) == (
        "contig b: N cut its bins of 1 bp into too many runs (more than 5 in the genome): leave "
        "the contig out (genome.contigs), or replace single N in the FASTA"
    )


def test_changed_bases_are_refused(tmp_path, few):
    genome = scan(tmp_path, CONTIGS)
    file = tmp_path / "genome.fa"
    file.write_bytes(file.read_bytes().replace(b"ACGTN" * 2, b"ACGTA" * 2))
    with pytest.raises(UserError, match=r"genome.fa: contig b changed since the plan was made"):
        plan(genome)
    file.unlink()
    with pytest.raises(UserError, match=r"genome.fa: cannot be read: No such file or directory"):
        plan(genome)


def test_memory_does_not_grow_with_the_number_of_runs(tmp_path, monkeypatch):
    for module in (genome_module, scattered, tile):
        monkeypatch.setattr(module, "LISTED", 1000)
    monkeypatch.setattr(fasta_module, "BLOCK", 1 << 16)
    monkeypatch.setattr(scattered, "PIECE", 1 << 16)
    peaks = []
    for runs in (20_000, 400_000):
        (tmp_path / "in.fa").write_bytes(b">a\n" + b"ACGTN" * runs + b"\n")
        tracemalloc.start()
        genome = scan_fasta(tmp_path / "in.fa", tmp_path / "genome.fa", name="g", patterns=["*"])
        plan(genome)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        genome.save(tmp_path / "genome.json")
        assert (tmp_path / "genome.json").stat().st_size < 1000
        assert json.loads((tmp_path / "genome.json").read_text())["contigs"][0]["scattered"] == runs
    assert peaks[1] < 1.2 * peaks[0] + 1e6, peaks
