"""`genometracks.open` reads the values of the shards back, from Parquet and from bigWigs."""

import shutil
import subprocess
import sys

import numpy as np
import pyBigWig
import pytest

import genometracks
from genometracks.cli import main
from genometracks.errors import UserError
from genometracks.export import parquet
from genometracks.reading import values
from toys import make_words

BIN = 4
SOURCES = ["parquet", "bigwig"]
COLUMNS = ["one", "two/../etc", "three"]


def keep(folder, source: str):
    """The opened run, of which only one kind of files is left."""
    for other in SOURCES:
        if other != source:
            shutil.rmtree(folder / other)
    return genometracks.open(folder)


def rows_of(expected, contig: str, start: int, end: int, length: int) -> list[tuple]:
    """Rows that overlap [start, end) by a plain loop: (start, end, values...)."""
    found = []
    for k, column in sorted(expected[contig].items()):
        first, last = k * BIN, min((k + 1) * BIN, length)
        if first < end and last > start:
            found.append((first, last, *column.tolist()))
    return found


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("contig", ["chr1", "chr2", "chr10", "tiny"])
def test_a_contig_has_the_values_of_the_shards(finished, expected, contigs, contig, source):
    frame = keep(finished, source).read(contig)
    assert list(frame.columns) == ["chrom", "start", "end", *COLUMNS]
    assert set(frame["chrom"]) == {contig} and (frame[COLUMNS].dtypes == np.float32).all()
    length = len(contigs[contig])
    rows = rows_of(expected, contig, 0, length, length)
    assert list(frame.drop(columns="chrom").itertuples(index=False, name=None)) == rows
    assert len(rows) > 4


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (7, 9), (8, 12), (9, 10), (280, 600), (310, 520), (1000, 1003), (1002, 1003)],
)
def test_bins_that_overlap_an_interval_are_rows_and_absent_bins_are_not(
    finished, expected, start, end, source
):
    frame = keep(finished, source).read("chr2", start, end, tracks=["three", "one"])
    rows = [(a, b, z, x) for a, b, x, _, z in rows_of(expected, "chr2", start, end, 1003)]
    assert list(frame.drop(columns="chrom").itertuples(index=False, name=None)) == rows
    assert (len(rows) == 0) == ((start, end) == (310, 520))  # all N
    assert frame.columns[3:].tolist() == ["three", "one"]
    if end == 1003:
        assert rows[-1][:2] == (1000, 1003)


def test_pybigwig_reads_the_same(finished):
    frame = genometracks.open(finished).read("chr10", 100, 300, "one")
    with pyBigWig.open(str(finished / "bigwig/one.bw")) as file:
        theirs = file.intervals("chr10", 100, 300)
    ours = frame[["start", "end", "one"]].itertuples(index=False, name=None)
    assert [tuple(row) for row in ours] == list(theirs)


def test_a_run_says_what_it_is(finished, contigs):
    run = genometracks.open(str(finished))
    assert repr(run) == ("<Run toy: 3 tracks in bins of 4 bp, g (4 contigs, 2,025 bp), Parquet>")
    assert run.contigs == {name: len(contigs[name]) for name in sorted(contigs)}
    assert run.config["run"] == "toy" and run.manifest["format"] == 1
    assert run.tracks["name"].tolist() == ["one", "two/../etc", "three"]
    assert run.tracks["index"].tolist() == [0, 1, 2] and run.tracks["assay"][0] == "ChIP"
    assert run.tracks["description"].tolist() == ["first", "second", ""]


def test_attributes_state_units_and_coordinates(finished):
    attrs = genometracks.open(finished).read("chr1", 0, 100, tracks=["t*"]).attrs
    assert attrs.pop("model") == genometracks.open(finished).manifest["model"]["digest"]
    assert attrs == {
        "run": "toy",
        "genome": "g",
        "licence": None,
        "citation": None,
        "coordinates": "bp, 0-based, half-open",
        "bin": 4,
        "span": 4,
        "tracks": ["two/../etc", "three"],
        "scale": {"two/../etc": "the model's scale", "three": "the model's scale"},
    }


@pytest.mark.parametrize(
    ("wanted", "where", "columns"),
    [
        (None, None, COLUMNS),
        ("three", None, ["three"]),
        (["three", "one", "three"], None, ["three", "one"]),
        (["*e"], None, ["one", "three"]),
        (["two_.._etc"], None, ["two/../etc"]),  # the file stem
        ([2, 0], None, ["three", "one"]),
        (1, None, ["two/../etc"]),
        (None, "assay == ATAC", ["two/../etc", "three"]),
        (["three", "one"], "assay == ATAC", ["three"]),
    ],
)
def test_tracks_are_chosen_by_name_pattern_row_and_filter(finished_once, wanted, where, columns):
    frame = genometracks.open(finished_once.folder).read("tiny", tracks=wanted, where=where)
    assert frame.attrs["tracks"] == columns == frame.columns[3:].tolist()


def test_parts_row_groups_and_blocks_do_not_change_the_values(run, monkeypatch):
    folder = run.finish()
    whole = genometracks.open(folder).read("chr2")
    monkeypatch.setattr(parquet, "ROWS", 32)
    monkeypatch.setattr(parquet, "COLUMNS", 2)
    run.command("parquet", plan=run.work / "plan.json", out=folder / "parquet")
    assert (folder / "parquet/chrom=chr2/part-1.parquet").exists()
    monkeypatch.setattr(values, "MOST", 50)
    opened = genometracks.open(folder)
    assert whole.equals(opened.read("chr2"))
    mixed = opened.read("chr2", 250, 650, tracks=["three", "one", "two*"])
    expected = whole[(whole["end"] > 250) & (whole["start"] < 650)]
    for column in COLUMNS:
        assert mixed[column].tolist() == expected[column].tolist()
    assert mixed.columns[3:].tolist() == ["three", "one", "two/../etc"]


def test_contigs_whose_folders_have_other_names_are_read(make_run):
    sequences = {"chrX": "ACGTACGTAC" * 9, "CHRX": "TTGACA" * 15, "s" * 260: "GATTACA" * 13}
    run = make_run("names", sequences=sequences, shards=2)
    run.plan()
    run.predict()
    opened = genometracks.open(run.finish())
    for contig, bases in sequences.items():
        frame = opened.read(contig)
        assert len(frame) == -(-len(bases) // 4) and frame["end"].iloc[-1] == len(bases)
        with pyBigWig.open(str(run.folder / "bigwig/one.bw")) as file:
            assert frame["one"].tolist() == [value for _, _, value in file.intervals(contig)]


def test_a_contig_without_bins_has_no_rows(make_run):
    run = make_run("n", sequences={"a": "ACGT" * 30, "n": "N" * 80})
    run.plan()
    run.predict()
    opened = genometracks.open(run.finish())
    for _ in range(2):
        frame = opened.read("n", tracks="one")
        assert frame.shape == (0, 4) and frame["one"].dtype == np.float32
        shutil.rmtree(run.folder / "parquet", ignore_errors=True)
        opened = genometracks.open(run.folder)


def test_values_far_apart_belong_to_bins_that_cover_a_window_only(make_run):
    model = {"final_pool_func": "avg", "crop_len": 0}
    run = make_run("one", model=model, stride=200, shards=1, sequences={"a": "ACGGT" * 200})
    run.plan()
    run.predict()
    opened = genometracks.open(run.finish())
    assert "bins of 200 bp that cover 96 bp" in repr(opened)
    assert opened.read("a")[["start", "end"]].values.tolist() == [
        [0, 96], [200, 296], [400, 496], [600, 696], [800, 896],
    ]  # fmt: skip
    assert opened.read("a", 296, 400).empty
    assert opened.read("a", 295, 401)["start"].tolist() == [200, 400]


READS = [
    (("chr3",), {}, "no contig 'chr3': did you mean chr2?"),
    (("2",), {}, "no contig '2': did you mean chr2?"),
    (("scaffold",), {}, "no contig 'scaffold': the run has chr1, chr10, chr2, ..."),
    (("chr2", 9, 9), {}, "chr2:9-9: start must be less than end"),
    (("chr2", 10, 9), {}, "chr2:10-9: start must be less than end"),
    (("chr2", -1, 9), {}, "chr2:-1-9 is not inside of the contig, which is chr2:0-1003"),
    (("chr2", 0, 1004), {}, "chr2:0-1004 is not inside of the contig, which is chr2:0-1003"),
    (("chr2",), {"tracks": ["on"]}, "tracks: 'on' matches no track of the run: did you mean one?"),
    (("chr2",), {"tracks": [3]}, "tracks: no track 3: the run has tracks 0-2"),
    (("chr2",), {"tracks": [-1]}, "tracks: no track -1: the run has tracks 0-2"),
    (("chr2",), {"tracks": []}, "tracks: none are given: give names, or leave it out for all"),
    (("chr2",), {"where": "asay == A"}, "no column 'asay': did you mean 'assay'?"),
    (
        ("chr2",),
        {"tracks": "one", "where": "assay == ATAC"},
        "tracks: where: 'assay == ATAC' matches none of the chosen tracks",
    ),
]


@pytest.mark.parametrize(("words", "more", "message"), READS)
def test_a_wrong_question_is_one_error(finished_once, words, more, message):
    with pytest.raises(UserError) as error:
        genometracks.open(finished_once.folder).read(*words, **more)
    assert message in str(error.value)


def test_a_folder_that_is_no_finished_run_is_one_error(finished, tmp_path):
    def refuse(folder) -> str:
        with pytest.raises(UserError) as error:
            genometracks.open(folder)
        return str(error.value)

    assert refuse(tmp_path / "x") == f"{tmp_path}/x: no such folder: give results/RUN"
    (tmp_path / "empty").mkdir()
    assert refuse(tmp_path / "empty") == (
        f"{tmp_path}/empty: not the folder of a run, it has no manifest.json: give results/RUN"
    )
    assert refuse(tmp_path) == (
        f"{tmp_path}: a folder of runs, such as {finished}, not of one run: give results/RUN"
    )
    (finished / "manifest.json").write_text("{}")
    assert "no usable manifest" in refuse(finished)
    (finished / "manifest.json").unlink()
    assert refuse(finished) == (
        f"{finished}: the run is not finished, it has no manifest.json: see 'genometracks status "
        f"{finished}', and run again to continue"
    )


def test_a_run_without_parquet_and_bigwigs_names_the_key_to_set(finished):
    run = keep(finished, "nothing")
    with pytest.raises(UserError) as error:
        run.read("chr1")
    assert str(error.value) == (
        f"{finished}: there is neither parquet/ nor bigwig/: set output.parquet: true and run "
        "again: it is written without a prediction"
    )


PART = "parquet/chrom=chr2/part-0.parquet"


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-50]), "missing or damaged ("),
        (lambda path: path.write_bytes(b""), "missing or damaged ("),
        (lambda path: path.unlink(), "missing or damaged ("),
        (
            lambda path: shutil.copy(path.parents[1] / "chrom=tiny/part-0.parquet", path),
            "",
        ),
    ],
)
def test_a_damaged_parquet_file_is_one_error(finished, damage, what):
    damage(finished / PART)
    run = genometracks.open(finished)
    if not what:  # another contig's file: its rows are within the contig, so only verify finds it
        assert len(run.read("chr2")) == len(run.read("tiny"))
        return
    with pytest.raises(UserError) as error:
        run.read("chr2")
    message = str(error.value)
    assert message.startswith(f"{finished}/{PART}: the Parquet file is {what}")
    assert message.endswith(
        f"): delete the folder {finished}/parquet and run again: it is written again without a "
        "prediction"
    )
    assert len(run.read("chr1")) > 0


def test_any_flipped_byte_of_a_parquet_file_gives_a_table_or_one_error(finished):
    path = finished / PART
    right = path.read_bytes()
    errors = 0
    for place in range(0, len(right), len(right) // 150):
        data = bytearray(right)
        data[place] ^= 0x55
        path.write_bytes(data)
        try:
            frame = genometracks.open(finished).read("chr2", 0, 400)
            assert frame.shape[1] == 6
        except UserError as error:
            assert str(path) in str(error) or "tracks" in str(error)
            errors += 1
    assert errors > 20


def test_a_damaged_table_of_tracks_is_one_error(finished):
    path = finished / "tracks.tsv"
    text = path.read_text()
    for wrong in ("", "track\tname\n", text.replace("\tfirst", ""), text.replace("one", "a/b")):
        path.write_text(wrong)
        with pytest.raises(UserError) as error:
            genometracks.open(finished)
        assert str(error.value).startswith(f"{path}: no usable table of tracks (")


def test_bigwigs_of_different_bins_are_refused(finished, make_run):
    other = make_run("other", sequences={"chr2": "ACGT" * 200}, shards=1)
    other.plan()
    other.predict()
    other.finish()
    shutil.copy(other.folder / "bigwig/three.bw", finished / "bigwig/three.bw")
    with pytest.raises(UserError) as error:
        keep(finished, "bigwig").read("chr2")
    assert str(error.value).startswith(
        f"{finished}/bigwig/three.bw: its bins on chr2 are not those of one.bw: delete both"
    )
    (finished / "bigwig/one.bw").unlink()
    with pytest.raises(UserError, match="one.bw: cannot be read: No such file or directory"):
        genometracks.open(finished).read("chr2")


def test_importing_the_package_imports_nothing_else():
    code = (
        "import sys; before = set(sys.modules); import genometracks; "
        "print(*(set(sys.modules) - before))"
    )
    path = ":".join(each for each in sys.path if each)
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    found = set(done.stdout.split())
    assert found & {"genometracks"} and not found & {"numpy", "pandas", "pyarrow", "msgspec"}


def test_the_command_that_wrote_the_run_is_not_needed(finished, capsys):
    shutil.rmtree(finished / "work")
    assert len(genometracks.open(finished).read("tiny")) == 6
    assert main(make_words("query") + [str(finished), "tiny:0-4", "--tracks", "one"]) == 0
    assert capsys.readouterr().out.startswith("chrom\tstart\tend\tone\ntiny\t0\t4\t")
