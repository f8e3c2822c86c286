"""Seconds of a dry run of many shards (`-n --quiet rules`) on one core.

The best of several runs, beside that of a workflow with a single rule. Run by `make bench`.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ROOT, describe, pin_to_one_core
from goals import note
from toys import random_bases, write_fasta, write_model

CASES = ((2_000, 3), (10_000, 3), (256, 7_611))
"""Shards and tracks; the last case has all tracks of Borzoi."""
WINDOW = 96  # bp that the model reads
CONFIG = """genome: {{fasta: g.fa}}
model: {{weights: m.safetensors}}
prediction: {{batch_size: 1, precision: fp32}}
shards: {shards}
"""
ONE_RULE = "rule all:\n    output: 'x'\n    shell: 'touch x'\n"


def dry_run(folder: Path, snakefile: Path, *words: str, repeat: int) -> tuple[float, str]:
    """Seconds of the fastest of several dry runs, and the output of one."""
    command = [sys.executable, "-m", "snakemake", "-s", str(snakefile), "--cores", "1", "-n"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        done = subprocess.run(
            [*command, "--quiet", "rules", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            sys.exit(done.stderr)
    return min(seconds), done.stdout


def measure_shards(folder: Path, shards: int, *, tracks: int = 3, repeat: int) -> tuple[int, float]:
    """Number of predictions that a dry run lists, and its seconds."""
    write_fasta(folder / "g.fa", {"chr1": random_bases(WINDOW * shards, seed=0)})
    names = [{"name": f"track {i}"} for i in range(tracks)]
    write_model(folder, name="m", n_tasks=tracks, tracks=names)
    (folder / "config.yaml").write_text(CONFIG.format(shards=shards))
    words = ("--configfile", "config.yaml")
    seconds, output = dry_run(folder, ROOT / "Snakefile", *words, repeat=repeat)
    return int(re.search(r"^predict +(\d+)$", output, re.M)[1]), seconds


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    pin_to_one_core()
    print(f"{describe('snakemake')}\n")
    print("| workflow | predict jobs | tracks | s |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        snakefile = Path(folder) / "Snakefile"
        snakefile.write_text(ONE_RULE)
        seconds, _ = dry_run(Path(folder), snakefile, repeat=repeat)
        print(f"| one rule | 0 | 0 | {seconds:.2f} |")
    for shards, tracks in CASES:
        with tempfile.TemporaryDirectory() as folder:
            jobs, seconds = measure_shards(Path(folder), shards, tracks=tracks, repeat=repeat)
        if jobs < shards:
            sys.exit(f"a dry run of {shards} shards lists {jobs} predictions")
        print(f"| grelu-tracks | {jobs:,} | {tracks:,} | {seconds:.2f} |")
        of = f" of {tracks:,} tracks" if tracks > 3 else ""
        note(f"dry run of {shards:,} shards{of}, s", seconds)


if __name__ == "__main__":
    main()
