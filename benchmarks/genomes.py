"""Genomes for benchmarks: E. coli, and Dictyostelium where apt can download it.

E. coli is the genome of the demo. Dictyostelium discoideum AX4 (six chromosomes, 34 Mb) is in
Debian's package spaln-data, which apt downloads. The package is unpacked, not installed, and the
genome is kept in data/bench.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from common import ROOT

DEMO, KEPT = ROOT / "data" / "demo", ROOT / "data" / "bench"
DICTYOSTELIUM = "usr/share/spaln/seqdb/dictdisc_g.gf.gz"
SHA256 = "a7c1595de7c43af7283dc2ff0787b7ebd5031a533c938e8c061caccc49e73909"
LENGTHS = [4_923_396, 8_470_428, 6_357_099, 5_450_149, 5_125_252, 3_602_179]
"""Base pairs of Dictyostelium's chromosomes."""


def fetch_ecoli() -> Path:
    """Path of the demo's genome, 4.6 Mb in one contig."""
    fetch = ROOT / "config" / "demo" / "fetch.py"
    subprocess.run([sys.executable, fetch, DEMO], check=True, stdout=subprocess.DEVNULL)
    return DEMO / "MG1655_U00096.fasta"


def read_ecoli(length: int | None = None) -> str:
    """The first `length` bases of E. coli. Default is all."""
    lines = fetch_ecoli().read_text().splitlines()[1:]
    return "".join(lines)[:length]


def fetch_dictyostelium() -> Path | None:
    """Path of a FASTA of 34 Mb, or None where apt cannot download it."""
    path = KEPT / Path(DICTYOSTELIUM).name
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
            try:
                _unpack("spaln-data", Path(scratch))
            except (OSError, subprocess.CalledProcessError):
                return None
            (Path(scratch) / DICTYOSTELIUM).replace(path)
    return path if hashlib.sha256(path.read_bytes()).hexdigest() == SHA256 else None


def _unpack(package: str, folder: Path) -> None:
    """Download a Debian package and unpack it into a folder."""
    subprocess.run(["apt-get", "download", package], cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)


def simulate_dictyostelium(path: Path) -> Path:
    """Write random bases in chromosomes of the same lengths."""
    from toys import random_bases, write_fasta

    contigs = {f"chr{i}": random_bases(n, seed=i) for i, n in enumerate(LENGTHS, start=1)}
    return write_fasta(path, contigs)
