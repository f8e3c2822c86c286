"""`genometracks query` prints the values of a run in regions."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyBigWig
import pytest

import genometracks
from genometracks.cli import main
from genometracks.reading.arrays import as_arrow, as_text
from genometracks.reading.output import format_rows
from pipeline import ROOT
from toys import Run, write_fasta, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory, contigs):
    """A finished run of three tracks on four contigs, which no test changes."""
    above = tmp_path_factory.mktemp("query")
    (above / "toy").mkdir()
    run = Run(above / "toy", write_model(above), write_fasta(above / "g.fa", contigs), shards=3)
    run.plan()
    run.predict()
    return run.finish()


@pytest.fixture
def query(folder, capsys):
    """Run a query on the folder: its exit status, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["query", str(folder), *map(str, words)])
        return status, *capsys.readouterr()

    return run


def cells(out: str) -> list[list[str]]:
    return [line.split("\t") for line in out.splitlines()]


def test_the_text_has_the_exact_values(query, folder):
    status, out, err = query("chr2:200-320")
    frame = genometracks.open(folder).read("chr2", 200, 320)
    head, *rows = cells(out)
    assert (status, err) == (0, "") and head == list(frame.columns)
    assert len(rows) == len(frame) == 25
    for row, (chrom, start, end, *numbers) in zip(rows, frame.itertuples(index=False), strict=True):
        assert row[:3] == [chrom, str(start), str(end)]
        assert [np.float32(text) for text in row[3:]] == [np.float32(each) for each in numbers]
        assert all(len(text.lstrip("-").replace("e-", "")) <= 12 for text in row[3:])


def test_every_float32_is_written_so_that_it_is_read_back():
    drawn = np.random.default_rng(0).integers(0, 2**32, 20_000, np.uint32).view(np.float32)
    numbers = drawn[np.isfinite(drawn)]
    table = pa.Table.from_arrays([as_text(["a"] * len(numbers)), as_arrow(numbers)], ["c", "v"])
    lines = b"".join(bytes(each) for each in format_rows(table)).decode().splitlines()
    assert lines[0].startswith("a\t") and len(lines) == len(numbers)
    assert np.array_equal(np.array([line[2:] for line in lines], np.float32), numbers)


def test_regions_follow_one_another_and_may_have_commas_or_be_contigs(query):
    rows = cells(query("chr2:1,000-1,003", "tiny", "chr1:0-8", "--tracks", "one")[1])[1:]
    assert [row[:3] for row in rows] == [
        ["chr2", "1000", "1003"],
        *(["tiny", str(i), str(min(i + 4, 21))] for i in range(0, 21, 4)),
        ["chr1", "0", "4"],
        ["chr1", "4", "8"],
    ]


def test_a_bed_file_gives_named_rows_in_its_order(query, tmp_path):
    bed = tmp_path / "some.bed"
    bed.write_text(
        "track name=x\nchr2\t10\t14\tsecond peak\t5\nchr2 4 5 first\nchrUn\t0\t9\tz\ntiny\t0\t4\n"
        "chr1\t0\t4\t\x1b[31mred\n"
    )
    status, out, err = query("--bed", bed, "--tracks", "one")
    assert status == 0
    assert err == (
        f"genometracks: note: {bed}: 1 of 5 intervals are on contigs that the run does not have: "
        "they are left out\n"
    )
    assert [row[:4] for row in cells(out)] == [
        ["chrom", "start", "end", "name"],
        ["chr2", "8", "12", "second peak"],
        ["chr2", "12", "16", "second peak"],
        ["chr2", "4", "8", "first"],
        ["tiny", "0", "4", ""],
        ["chr1", "0", "4", r"\x1b[31mred"],
    ]


@pytest.mark.parametrize("by", ["mean", "min", "max", "sum"])
def test_a_row_per_region_has_the_numbers_of_pybigwig(query, folder, tmp_path, by):
    bed = tmp_path / "some.bed"
    regions = [("chr2", 250, 601), ("chr2", 3, 6), ("chr2", 310, 400), ("chr10", 37, 80)]
    bed.write_text("".join(f"{c}\t{a}\t{b}\tr{i}\n" for i, (c, a, b) in enumerate(regions)))
    _, out, _ = query("--bed", bed, "--by-region", by, "--tracks", "three", "one")
    head, *rows = cells(out)
    assert head == ["chrom", "start", "end", "name", "covered", "three", "one"]
    for row, (contig, start, end) in zip(rows, regions, strict=True):
        assert row[:3] == [contig, str(start), str(end)]
        for track, text in zip(("three", "one"), row[5:], strict=True):
            with pyBigWig.open(str(folder / f"bigwig/{track}.bw")) as file:
                values = np.array(file.values(contig, start, end))
                (theirs,) = file.stats(contig, start, end, type=by, exact=True)
            assert int(row[4]) == (~np.isnan(values)).sum()
            if int(row[4]) == 0:
                assert text == "" and start == 310
            else:
                assert float(text) == pytest.approx(theirs, rel=1e-6)


def test_bedgraph_has_each_bin_once_and_a_line_for_each_of_several_tracks(query, folder, tmp_path):
    words = ("chr2:30-43", "tiny:0-4", "chr2:20-31", "chr2:41-50", "--out", "bedgraph")
    out = query(*words, "--tracks", "one")[1]
    with pyBigWig.open(str(folder / "bigwig/one.bw")) as file:
        rows = [("chr2", *row) for row in file.intervals("chr2", 20, 50)]
        rows += [("tiny", *row) for row in file.intervals("tiny", 0, 4)]
    assert [(c, int(a), int(b), float(v)) for c, a, b, v in cells(out)] == [
        (c, a, b, pytest.approx(v, rel=1e-7)) for c, a, b, v in rows
    ]
    lines = query(*words)[1].splitlines()
    assert len(lines) == 3 * (len(rows) + 1)
    assert [line for line in lines if line.startswith("track")] == [
        'track type=bedGraph name="one" description="first"',
        'track type=bedGraph name="two/../etc" description="second"',
        'track type=bedGraph name="three" description=""',
    ]


def test_a_parquet_file_has_the_same_table(query, folder, tmp_path):
    out = tmp_path / "new" / "some.parquet"
    status, text, _ = query("chr2:200-320", "chr1", "--out", "parquet", "-o", out)
    run = genometracks.open(folder)
    both = pd.concat([run.read("chr2", 200, 320), run.read("chr1")], ignore_index=True)
    assert (status, text) == (0, "")
    assert pq.read_table(out).to_pandas().astype({"chrom": "str"}).equals(both)


def test_a_file_is_written_whole_or_not_at_all(query, folder, tmp_path):
    out = tmp_path / "some.tsv"
    assert query("chr1:0-40", "-o", out)[:2] == (0, "")
    before = out.read_text()
    assert before == query("chr1:0-40")[1]
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "parquet/chrom=chr2/part-0.parquet").write_bytes(b"PAR1")
    assert main(["query", str(broken), "chr1", "chr2", "-o", str(out)]) == 1
    assert out.read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "some.tsv"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no region: give some, e.g. chr1:0-1000, or --bed FILE"),
        (["chr2:5"], "'chr2:5' is not a region: write contig:start-end, e.g. chr20:1000-2000"),
        (["chr2:-5-9"], "'chr2:-5-9' is not a region: write contig:start-end"),
        (["chr2:9-5"], "chr2:9-5: start must be less than end"),
        (["chr2:0-9999"], "chr2:0-9999 is not inside of the contig, which is chr2:0-1003"),
        (["1:0-9"], "no contig '1': did you mean chr1?"),
        (["chr2", "--tracks", "ones"], "tracks: 'ones' matches no track of the run: did you mean"),
        (["chr2", "--where", "assay"], "tracks: where: 'assay': ends where an operator is"),
        (["chr2", "--bed", "no.bed"], "no.bed: cannot be read: "),
        (["chr2", "--out", "parquet"], "--out parquet: a table cannot be printed: name a file"),
        (
            ["chr2", "--out", "bedgraph", "--by-region", "mean"],
            "--by-region: not with --out bedgraph: choose tsv or parquet",
        ),
    ],
)
def test_a_wrong_question_is_one_line(query, words, message):
    status, out, err = query(*words)
    assert (status, out) == (1, "") and err.startswith(f"genometracks query: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr9\t0\t5", "none of its contigs is in the run, which has chr1, chr10, chr2, ...: give"),
        ("chr2\t0\t1004", "1: chr2:0-1004 extends past the contig's 1003 bp: give a file of the"),
        ("chr2\t5\t5", "1: chr2:5-5 is not an interval: 0 <= start < end must hold"),
        ("chr2 x 5", "1: not a BED line: its columns must be contig, start and end"),
    ],
)
def test_a_wrong_bed_file_is_one_line(query, tmp_path, line, message):
    bed = tmp_path / "wrong.bed"
    bed.write_text(line + "\n")
    status, out, err = query("--bed", bed)
    assert (status, out) == (1, "") and f"{bed}:" in err and message in err


def start(folder, *words: str, code: str = "") -> subprocess.Popen:
    program = f"import sys\nfrom genometracks.cli import main\nstatus = main(sys.argv[1:])\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", f"{program}\nsys.exit(status)", "query", str(folder), *words],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_that_leaves_ends_the_query_quietly(folder):
    process = start(folder, *["chr2"] * 300)  # more than a pipe holds
    assert process.stdout.readline() == "chrom\tstart\tend\tone\ttwo/../etc\tthree\n"
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait(timeout=60) == 0


@pytest.mark.parametrize("words", [["chr2:0-9"], ["chr2:0-9", "--by-region", "max"]])
def test_neither_torch_nor_pandas_is_imported(folder, words):
    code = "print({'torch', 'pandas', 'scipy', 'rocrate'} & set(sys.modules), file=sys.stderr)"
    assert start(folder, *words, code=code).communicate(timeout=60)[1] == "set()\n"
