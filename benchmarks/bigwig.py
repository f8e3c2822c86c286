"""Write one dense bigWig with our writer and with pyBigWig, in turn, and print the ratio.

10 million bins of 32 bp, rounded to float16 like predictions; medians of 3. Run by `make bench`.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyBigWig

from common import describe
from genometracks.bigwig.writer import BigWigWriter
from genometracks.shards.shard import PIECE
from goals import note

BINS, STEP, ROUNDS = 10_000_000, 32, 3


def write_ours(path: Path, values: np.ndarray) -> None:
    """Write in pieces, as `genometracks bigwig` does."""
    with BigWigWriter(path, {"chr": BINS * STEP}, step=STEP) as writer:
        for first in range(0, BINS, PIECE):
            writer.write("chr", first, values[first : first + PIECE])


def write_theirs(path: Path, values: np.ndarray) -> None:
    """Write with pyBigWig's fastest call: one fixed-step run."""
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("chr", BINS * STEP)])
        out.addEntries("chr", 0, values=values, span=STEP, step=STEP)


def make_values(kind: str) -> np.ndarray:
    """Dense values: white noise (hard to compress) or a random walk (smooth, like predictions)."""
    noise = np.random.default_rng(0).normal(size=BINS)
    values = noise if kind == "noise" else np.cumsum(noise) * 0.05
    return values.astype(np.float16).astype(np.float32)


def main() -> None:
    """Measure and print one table."""
    print(describe("numpy", "pyBigWig", "deflate"))
    print(f"{BINS:,} bins of {STEP} bp, one core, medians of {ROUNDS}; command: make bench\n")
    print("| values | writer | Mbins/s | B/bin | ratio |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("noise", "walk"):
            values = make_values(kind)
            seconds: dict[str, list[float]] = {"ours": [], "pyBigWig": []}
            for _ in range(ROUNDS):
                for name, write in (("ours", write_ours), ("pyBigWig", write_theirs)):
                    start = time.perf_counter()
                    write(Path(folder) / f"{name}.bw", values)
                    seconds[name].append(time.perf_counter() - start)
            medians = {name: statistics.median(times) for name, times in seconds.items()}
            for name, median in medians.items():
                size = os.path.getsize(Path(folder) / f"{name}.bw") / BINS
                ratio = medians["pyBigWig"] / median
                print(f"| {kind} | {name} | {BINS / median / 1e6:.1f} | {size:.2f} | {ratio:.1f} |")
            note(f"bigWig writer alone / pyBigWig: {kind}", medians["pyBigWig"] / medians["ours"])


if __name__ == "__main__":
    main()
