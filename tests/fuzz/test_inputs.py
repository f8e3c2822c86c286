"""Any bytes of a FASTA, BED or GTF file give a genome, intervals or sites, or one error."""

import gzip
from pathlib import Path

import pyBigWig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz_text import examples, mutated, outcome
from genometracks.browse.aliases import read_aliases
from genometracks.browse.reference.genes import write_genes
from genometracks.config.folders import GenomeFolder
from genometracks.config.sections import Sites, Within
from genometracks.evaluation.sites import read_regions, read_sites
from genometracks.inputs.bases import Bases
from genometracks.inputs.bed import read_bed
from genometracks.inputs.genome import GenomeIndex, find_scan, scan_fasta
from genometracks.starter.genome import inspect_genome

FASTA = b">chr1 first\r\nACGTNNNNacgtRYK\r\nAC-GT*\r\n>chr2\nGGGG\n\n>empty\n>chr3\nNNNN\nA\n"
BED = b"#c\ntrack name=x\nchr1\t0\t10\tname\nchr1\t5\t20\nchrUn\t3\t9\nchr2 1 4\n"

GTF = (
    b'#!x\nchr1\tx\texon\t2\t9\t.\t+\t.\ttranscript_id "b";\nchr1\tx\tgene\t2\t20\t.\t-\t.\t\n'
    b"chr2\tx\texon\t4\t4\t.\t-\t.\t\n##FASTA\n>chr1\n"
)
STRANDED = b"#c\ntrack name=x\nchr1\t0\t10\tname\t0\t+\nchr1\t5\t6\tx\t0\t-\nchr2\t1\t4\tx\t0\t.\n"


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """Tests run in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("inputs"))
        yield


def packed(data: bytes, how: str) -> bytes:
    """Bytes as they are, compressed, or compressed and then cut."""
    return {"plain": data, "gzip": gzip.compress(data, 1), "cut": gzip.compress(data, 1)[:-5]}[how]


HOW = st.sampled_from(["plain", "plain", "gzip", "cut"])


@examples(200)
@given(mutated(FASTA), HOW, st.sampled_from([["*"], ["chr1"], ["chr[12]", "e*"]]))
def test_a_changed_fasta(data, how, patterns):
    fasta, out = Path("g.fa"), GenomeFolder(Path("genome"))
    fasta.write_bytes(packed(data, how))
    found = outcome(lambda: inspect_genome("g.fa"))
    index = outcome(lambda: scan_fasta(fasta, out.bases, name="g", patterns=patterns))
    if index is None:
        return
    lengths = {contig.name: contig.length for contig in index.contigs}
    assert found and lengths.items() <= dict(found.contigs).items()
    index.save(out.json)
    loaded = GenomeIndex.load(out.json)
    assert loaded == index and find_scan(out, fasta, patterns=patterns) == index
    outcome(lambda: Bases(out.bases).check({each.name: each.sha256 for each in index.contigs}))


INDEX = b"chr1\t24\t12\t15\t17\nchr2\t4\t45\t4\t5\n"


@examples(200)
@given(mutated(INDEX))
def test_a_changed_index(data):
    Path("i.fa").write_bytes(FASTA)
    Path("i.fa.fai").write_bytes(data)
    found = inspect_genome("i.fa")
    assert all(name.isprintable() and length >= 0 for name, length in found.contigs)
    assert found.index or len(found.contigs) == 4


@examples(200)
@given(mutated(gzip.compress(FASTA)))
def test_a_changed_gzip_file(data):
    Path("g.fa.gz").write_bytes(data)
    outcome(lambda: scan_fasta(Path("g.fa.gz"), Path("out.fa"), name="g", patterns=["*"]))
    outcome(lambda: read_bed(Path("g.fa.gz"), key="genome.regions", lengths={"chr1": 30}))


@examples(200)
@given(mutated(BED), HOW)
def test_a_changed_bed(data, how):
    Path("r.bed").write_bytes(packed(data, how))
    bed = outcome(
        lambda: read_bed(Path("r.bed"), key="genome.regions", lengths={"chr1": 30, "chr2": 4})
    )
    for contig, rows in bed.intervals.items() if bed else ():
        assert rows.min() >= 0 and rows.max() <= {"chr1": 30, "chr2": 4}[contig]


SITES = st.builds(
    lambda feature, at, strand: Sites("t", "s", feature, at, strand, Within("s", feature)),
    st.sampled_from(["exon", None]),
    st.sampled_from([None, "start", "end", "5'", "3'", "centre", "all", "acceptor", "donor"]),
    st.sampled_from([None, "+", "-"]),
)


@examples(200)
@given(st.sampled_from([GTF, STRANDED]).flatmap(mutated), HOW, SITES)
def test_a_changed_file_of_sites(data, how, entry):
    Path("s").write_bytes(packed(data, how))
    lengths = {"chr1": 30, "chr2": 4}
    sites = outcome(lambda: read_sites(entry, key="k", lengths=lengths))
    regions = outcome(lambda: read_regions(entry.within, entry, key="k", lengths=lengths))
    for found in (sites and sites.found, regions):
        for contig, rows in (found or {}).items():
            assert rows.min() >= 0 and rows.max() <= lengths[contig]
            assert (rows[:, 0] < rows[:, 1]).all()


GFF3 = (
    b"##gff-version 3\nchr1\tx\tgene\t2\t20\t.\t-\t.\tID=g;Name=a%20b\n"
    b"chr1\tx\tmRNA\t2\t20\t.\t-\t.\tID=t;Parent=g\nchr1\tx\texon\t2\t9\t.\t-\t.\tParent=t\n"
    b"chr1\tx\tCDS\t4\t7\t.\t-\t0\tParent=t\nchr2\tx\texon\t1\t4\t.\t+\t.\tParent=u,v\n"
)
BED12 = b"chr1\t2\t20\tn\t5\t+\t3\t19\t0\t2\t5,6,\t0,12,\nchr2\t1\t3\n"


@examples(300)
@given(st.sampled_from([GTF, GFF3, BED12, STRANDED]).flatmap(mutated), HOW)
def test_a_changed_annotation(data, how):
    Path("a").write_bytes(packed(data, how))
    lengths = {"chr1": 30, "chr2": 4}
    out = Path("genes.bb")
    out.unlink(missing_ok=True)
    written = outcome(lambda: write_genes(Path("a"), out, lengths=lengths, aliases={}))
    assert out.exists() == bool(written)
    if not written:
        return
    with pyBigWig.open(str(out)) as genes:
        for contig, length in lengths.items():
            for start, end, rest in genes.entries(contig, 0, length) or ():
                _, _, strand, *thick, _, count, sizes, starts, _ = rest.split("\t")
                assert 0 <= start < end <= length and strand in "+-."
                assert start <= int(thick[0]) <= int(thick[1]) <= end
                blocks = list(zip(starts.split(",")[:-1], sizes.split(",")[:-1], strict=True))
                assert len(blocks) == int(count)
                assert int(blocks[0][0]) == 0 and sum(map(int, blocks[-1])) == end - start


@examples(200)
@given(mutated(b"#c\nchr1\tone\nchr2\ttwo\t4\nchrX\tx\n"), HOW)
def test_a_changed_table_of_aliases(data, how):
    Path("aliases").write_bytes(packed(data, how))
    lengths = {"chr1": 30, "chr2": 4}
    found = outcome(lambda: read_aliases(Path("aliases"), lengths=lengths))
    names = [(found or {}).get(contig, contig) for contig in lengths]
    assert len(set(names)) == 2 and all(name.isprintable() for name in names)
