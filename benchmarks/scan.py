"""Seconds and peak memory of scanning a FASTA: ordinary bases, and a run of N every five bases.

Whole processes, `genometracks genome`. Both genomes have the same number of bases; memory must not
grow with the number of runs of N. Run by `make bench`.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from common import describe, measure, pin_to_one_core
from goals import note

BASES = 200_000_000


def write_genome(path: Path, *, bases: int, scattered: bool) -> None:
    """Write a FASTA of one contig: random bases, or ACGTN again and again."""
    random = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", np.uint8)
    block = 5_000_000
    with open(path, "wb") as file:
        file.write(b">chr1\n")
        for start in range(0, bases, block):
            size = min(block, bases - start)
            if scattered:
                file.write((b"ACGTN" * (size // 5 + 1))[:size] + b"\n")
            else:
                file.write(letters[random.integers(0, 4, size)].tobytes() + b"\n")


def scan(folder: Path, *, bases: int, scattered: bool) -> tuple[float, float, int]:
    """Scan a genome; return seconds, peak MiB and bytes of genome.json."""
    fasta, out = folder / "g.fa", folder / "genome.json"
    write_genome(fasta, bases=bases, scattered=scattered)
    settings = {"fasta": str(fasta), "sha256": None, "name": None, "contigs": ["*"]}
    used = measure(
        "-m",
        "genometracks.cli",
        "genome",
        *("--settings", json.dumps(settings)),
        *("--fasta", folder / "genome.fa", "--out", out),
    )
    return used.wall, used.peak, out.stat().st_size


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=BASES)
    words = parser.parse_args()
    pin_to_one_core()
    print(f"{describe('numpy')}\n")
    print("| genome | Mb | s | peak MiB | genome.json, bytes |")
    print("|---|---|---|---|---|")
    peaks = {}
    for name, scattered in (("random bases", False), ("ACGTN again and again", True)):
        with tempfile.TemporaryDirectory() as folder:
            seconds, peak, size = scan(Path(folder), bases=words.bases, scattered=scattered)
        peaks[scattered] = peak
        print(f"| {name} | {words.bases / 1e6:.0f} | {seconds:.2f} | {peak:.0f} | {size:,} |")
    note("memory, scan of 40 million runs of N / none", peaks[True] / peaks[False])


if __name__ == "__main__":
    main()
