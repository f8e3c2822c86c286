"""The human demo: exons become splice sites, the picture is drawn, make passes its flags."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from config.human import choose, fetch, picture, sites
from genometracks.bigwig.writer import BigWigWriter
from genometracks.config.resolve import resolve_config

ROOT = Path(__file__).parents[1]
HEADER = "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\n"


# The table of exons


def write_table(folder: Path, *rows: str) -> Path:
    path = folder / "grch37.txt"
    path.write_text(HEADER + "".join(row.replace(" ", "\t") + "\n" for row in rows))
    return path


def test_on_the_plus_strand_acceptors_are_first_bases_and_donors_last_bases(tmp_path):
    path = write_table(tmp_path, "A 20 + 100 400 100,200,300, 150,250,400,")
    (gene,) = sites.read_genes(path, "20")
    assert gene.exons == ((100, 150), (200, 250), (300, 400))
    assert gene.acceptors == [200, 300]
    assert gene.donors == [149, 249]


def test_on_the_minus_strand_they_are_swapped(tmp_path):
    path = write_table(tmp_path, "A 20 - 100 400 100,200,300, 150,250,400,")
    (gene,) = sites.read_genes(path, "20")
    assert gene.acceptors == [149, 249]
    assert gene.donors == [200, 300]


def test_a_gene_of_one_exon_has_no_sites(tmp_path):
    path = write_table(tmp_path, "A 20 + 100 400 100, 400,", "B 2 - 1 9 1,6, 4,9,")
    (gene,) = sites.read_genes(path, "20")
    assert (gene.acceptors, gene.donors) == ([], [])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A 20 . 100 400 100,200, 150,400,", "strand, or order of the exons"),
        ("A 20 + 100 400 100,200, 250,400,", "strand, or order of the exons"),
        ("A 20 + 100 300 100,200, 150,400,", "strand, or order of the exons"),
        ("A 20 + 100 400 100,200, 400,", "zip() argument 2 is shorter than argument 1"),
        ("A 20 + 100 400 100,x, 150,400,", "invalid literal for int() with base 10: 'x'"),
        ("A 20", "not enough values to unpack (expected at least 3, got 2)"),
    ],
)
def test_a_row_of_another_form_is_an_error_that_names_its_line(tmp_path, capsys, row, why):
    write_table(tmp_path, "B 20 + 1 9 1,6, 4,9,", row)
    assert sites.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"sites.py: {tmp_path}/grch37.txt:3: not a row of exons: {why}\n"
    )
    assert list(tmp_path.glob("*.bed")) == []


def test_sites_of_all_genes_and_bodies_of_genes_of_three_exons_are_written(tmp_path, capsys):
    start = sites.STRETCH[0]
    write_table(
        tmp_path,
        f"SHORT 20 - {start} {start + 90} {start},{start + 60}, {start + 40},{start + 90},",
        "LONG 20 + 100 400 100,200,300, 150,250,400,",
        "ELSEWHERE 2 + 100 400 100,200,300, 150,250,400,",
    )
    assert sites.main([str(tmp_path)]) == 0
    assert {path.name: path.read_text() for path in tmp_path.glob("*.bed")} == {
        "acceptors.bed": (
            "20\t200\t201\tLONG\t0\t+\n20\t300\t301\tLONG\t0\t+\n"
            "20\t42820039\t42820040\tSHORT\t0\t-\n"
        ),
        "donors.bed": (
            "20\t149\t150\tLONG\t0\t+\n20\t249\t250\tLONG\t0\t+\n"
            "20\t42820060\t42820061\tSHORT\t0\t-\n"
        ),
        "genes.bed": "20\t100\t400\tLONG\t0\t+\n",
        "transcripts.bed": (
            "20\t100\t400\tLONG\t0\t+\t400\t400\t0\t3\t50,50,100,\t0,100,200,\n"
            "20\t42820000\t42820090\tSHORT\t0\t-\t42820090\t42820090\t0\t2\t40,30,\t0,60,\n"
        ),
        "stretch.bed": "20\t42820000\t44780000\n",
        "whole.bed": "20\t0\t63025520\n",
    }
    first = capsys.readouterr().out.splitlines()[0].removeprefix(f"{tmp_path}/acceptors.bed: ")
    assert first == "3; in the stretch 0 on the plus strand and 1 on the minus strand"


def test_a_file_that_would_not_change_is_not_written_again(tmp_path):
    write_table(tmp_path, "A 20 + 100 400 100,200,300, 150,250,400,")
    assert sites.main([str(tmp_path)]) == 0
    before = {path: path.stat().st_ino for path in tmp_path.glob("*.bed")}
    (tmp_path / "genes.bed").write_text("20\t1\t2\n")
    assert sites.main([str(tmp_path)]) == 0
    after = {path: path.stat().st_ino for path in tmp_path.glob("*.bed")}
    assert [path.name for path in before if before[path] != after[path]] == ["genes.bed"]


def test_the_config_names_the_files_that_are_made():
    config = yaml.safe_load((ROOT / "config/examples/human.yaml").read_text())
    made = [path.removeprefix("spliceai/models/") for path in fetch.MEMBERS][:5]
    assert config["model"]["weights"] == [f"data/human/{name}" for name in made]
    assert config["genome"]["fasta"] == f"data/human/{fetch.CHROMOSOME}"
    named = {each["file"] for each in config["evaluation"]["sites"]}
    assert named == {"data/human/acceptors.bed", "data/human/donors.bed"}


# The picture


def test_the_picture_is_drawn_from_the_tracks_of_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(picture, "LOCUS", (1_000, 3_000))
    write_table(tmp_path, "PLUS 20 + 1100 1900 1100,1600, 1200,1900,")
    tracks = tmp_path / "bigwig"
    tracks.mkdir()
    words = ["--tracks", str(tracks), "--data", str(tmp_path), "--out", str(tmp_path / "a.png")]
    assert picture.main(words) == 1
    assert capsys.readouterr().err == (
        f"picture.py: {tracks}/acceptor+.bw: cannot be read: No such file or directory\n"
    )
    images = []
    for height in (0.2, 0.9, 0.9):
        for name in picture.TRACKS:
            with BigWigWriter(tracks / f"{name}.bw", {"20": 5_000}, step=1) as writer:
                values = np.zeros(2_000, np.float32)
                values[600] = height
                writer.write("20", 1_000, values)
        assert picture.main(words) == 0
        images.append((tmp_path / "a.png").read_bytes())
    assert images[0][:8] == b"\x89PNG\r\n\x1a\n"
    assert images[0] != images[1] == images[2]


# The target of the Makefile


def dry_run(*words: str) -> str:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    done = subprocess.run(
        [make, "-n", "demo-human", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_make_runs_the_stretch_with_five_folds():
    text = dry_run()
    assert "fetch data/human\n" in text
    assert "genometracks run config/examples/human.yaml\n" in text
    assert "config.human.choose" not in text
    assert "cat results/human/summary.txt" in text


def test_make_runs_one_fold_the_whole_chromosome_or_another_fasta():
    text = dry_run("FOLDS=1", "WHOLE=1", "FASTA=my genome.fa")
    assert "fetch data/human --fasta 'my genome.fa'\n" in text
    config = "data/human/human_whole_1_of_5.yaml"
    assert f"config.human.choose {config} --folds 1 --whole\n" in text
    assert f"genometracks run {config}\n" in text
    assert "cat results/human_whole_1_of_5/summary.txt" in text
    assert "human_3_of_5.yaml --folds 3\n" in dry_run("FOLDS=3")


def test_other_choices_make_another_config(tmp_path):
    assert choose.main([str(tmp_path / "human_whole_2_of_5.yaml"), "--folds", "2", "--whole"]) == 0
    config = yaml.safe_load((tmp_path / "human_whole_2_of_5.yaml").read_text())
    usual = yaml.safe_load((ROOT / "config/examples/human.yaml").read_text())
    assert config["run"] == "human_whole_2_of_5"
    assert config["model"]["weights"] == usual["model"]["weights"][:2]
    assert config["genome"] == {**usual["genome"], "regions": "data/human/whole.bed"}
    assert config["evaluation"] == usual["evaluation"]
    assert resolve_config(config)["shards"] == 128
