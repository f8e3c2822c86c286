"""Read bigWigs with our reader and with pybigtools: time, memory, and effects of damaged files.

Run by hand: `python benchmarks/bigwig_reader.py`, after `make demo` has fetched the demo's data. It
decides which reader the evaluation uses.
"""

import argparse
import collections
import hashlib
import os
import resource
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyBigWig

from common import ROOT, call_in_process, describe

BINS, STEP = 10_000_000, 32
TIME = 5  # s, after which a reader counts as not done


def read_ours(path: Path, contig: str, step: int, bins: int) -> np.ndarray:
    """Bin means by our reader."""
    from genometracks.bigwig.reader import BigWigReader

    with BigWigReader(path) as reader:
        return reader.bin_means(contig, step, 0, bins)


def read_theirs(path: Path, contig: str, step: int, bins: int) -> np.ndarray:
    """Bin means by pybigtools; the last bin must not reach past the contig's end."""
    import pybigtools

    with pybigtools.open(str(path)) as reader:
        return reader.values(
            contig, 0, bins * step, bins=bins, summary="mean", exact=True, fillna=None
        )


def read_bases(path: Path, contig: str, step: int, bins: int) -> np.ndarray:
    """Bin means of pybigtools' values per base, a million bases at a time."""
    import pybigtools

    parts = []
    with pybigtools.open(str(path)) as reader:
        for first in range(0, bins, (1 << 20) // step):
            end = min(first + (1 << 20) // step, bins)
            bases = reader.values(contig, first * step, end * step, fillna=None)
            parts.append(bases.reshape(-1, step).mean(axis=1))
    return np.concatenate(parts)


READERS = {
    "ours": read_ours,
    "pybigtools, bins": read_theirs,
    "pybigtools, bases": read_bases,
}


def time_reader(
    name: str, path: Path, contig: str, step: int, bins: int
) -> tuple[float, float, str]:
    """CPU seconds (median of 5), peak of this process in MiB, and a digest of the bin means."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        means = READERS[name](path, contig, step, bins)
        seconds.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    means = np.where(np.isnan(means), np.nan, means)  # a NaN has many bit patterns
    return statistics.median(seconds), peak, hashlib.sha256(means).hexdigest()


def write_dense(path: Path) -> None:
    """Write 10 million bins of 32 bp: a smooth walk, rounded to float16."""
    from genometracks.bigwig.writer import BigWigWriter

    noise = np.random.default_rng(0).normal(size=BINS)
    values = (np.cumsum(noise) * 0.05).astype(np.float16)
    with BigWigWriter(path, {"c": BINS * STEP}, step=STEP) as writer:
        writer.write("c", 0, values)


def print_times(cases: list[tuple[str, Path, str, int, int]]) -> None:
    """Print a table of (file, path, contig, step, bins)."""
    print("| file | reader | CPU s | peak, MiB | our numbers |\n|---|---|---|---|---|")
    for file, *case in cases:
        found = {name: call_in_process(time_reader, name, *case) for name in READERS}
        for name, (seconds, peak, digest) in found.items():
            same = "yes" if digest == found["ours"][2] else "**no**"
            print(f"| {file} | {name} | {seconds:.2f} | {peak:.0f} | {same} |", flush=True)


def find_outcome(read: Callable, path: Path, expected: dict[str, np.ndarray]) -> str:
    """How a reader ends when it reads the contigs of a file in a separate process."""
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a panic writes to stderr
        signal.alarm(TIME)
        try:
            same = all(
                np.array_equal(read(path, contig, 10, len(means)), means, equal_nan=True)
                for contig, means in expected.items()
            )
        except Exception:
            os._exit(2)
        except BaseException:  # a Rust panic in pybigtools is not an Exception
            os._exit(3)
        os._exit(0 if same else 1)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        return ["same numbers", "other numbers", "an error", "a panic"][os.WEXITSTATUS(status)]
    if os.WTERMSIG(status) == signal.SIGALRM:
        return f"not done in {TIME} s"
    return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"


def compare_damage(folder: Path, trials: int) -> dict[str, collections.Counter]:
    """Count each reader's outcomes for files with one flipped bit or (every third) cut short."""
    path = folder / "sound.bw"
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("a", 3000), ("b", 5000)])
        out.addEntries("a", 0, values=list(np.sin(np.arange(3000))), span=1, step=1)
        out.addEntries(["b"] * 3, [0, 100, 730], ends=[7, 650, 731], values=[1.5, -2.0, 3.0])
        out.addEntries("b", [1000, 1500, 1503], values=[4.0, 5.0, 6.0], span=3)
        out.addEntries("b", 2000, values=list(np.arange(50) / 8), span=5, step=9)
    expected = {name: read_ours(path, name, 10, bins) for name, bins in (("a", 300), ("b", 500))}
    sound, random = path.read_bytes(), np.random.default_rng(0)
    found = {name: collections.Counter() for name in ("ours", "pybigtools, bins")}
    for trial in range(trials):
        broken = bytearray(sound)
        place = int(random.integers(4, len(sound)))
        if trial % 3:
            broken[place] ^= 1 << int(random.integers(8))
        else:
            del broken[place:]
        (folder / "broken.bw").write_bytes(broken)
        for name, counts in found.items():
            counts[find_outcome(READERS[name], folder / "broken.bw", expected)] += 1
    return found


def compare_traps(folder: Path) -> list[tuple[str, str, str]]:
    """What each crafted file does to our reader and to pybigtools."""
    from crafted_bigwigs import TRAPS, pack_bigwig

    rows = []
    for trap, fields in TRAPS.items():
        path = folder / "trap.bw"
        path.write_bytes(pack_bigwig(**fields))
        expected = {"c1": np.array([np.nan, 1, 2, 4, *[np.nan] * 5])}
        ends = [find_outcome(read, path, expected) for read in (read_ours, read_theirs)]
        rows.append((trap, *ends))
    return rows


def main() -> None:
    """Print three Markdown tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--demo", type=Path, default=ROOT / "data/demo/ChIP-ACCCA-1.bw")
    parser.add_argument("--trials", type=int, default=3000)
    options = parser.parse_args()
    print(f"{describe('numpy', 'pybigtools', 'pyBigWig')}, one core, medians of 5\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        call_in_process(write_dense, folder / "dense.bw")
        demo = ("demo, 4.6 Mb", options.demo, "NC_000913", 16, 4_641_652 // 16)
        dense = ("10 million bins", folder / "dense.bw", "c", STEP, BINS)
        coarse = ("the same, in bins of 128 bp", folder / "dense.bw", "c", 128, BINS // 4)
        print_times([demo, dense, coarse])
        found = compare_damage(folder, options.trials)
        kinds = sorted(set().union(*found.values()))
        print(f"\n| {options.trials:,} damaged files | {' | '.join(found)} |\n|---|---|---|")
        for kind in kinds:
            print(f"| {kind} | {' | '.join(str(counts[kind]) for counts in found.values())} |")
        print("\n| crafted file | ours | pybigtools |\n|---|---|---|")
        for row in compare_traps(folder):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
