"""From float16 shards to bigWigs: speed compared with pyBigWig, file size, and constant memory.

Every figure is for a whole process, start-up and imports included. `genometracks bigwig` reads the
shards, verifies their checksums, and writes and flushes bigWigs with zoom levels; pyBigWig gets the
same arrays by `addEntries` with a fixed step, one contig at a time. Memory is the sum of the peaks
of all processes. Run by `make bench`.
"""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np

from common import Used, call_in_process, describe, measure
from goals import note

STEP, TRACKS, THEIRS = 32, 16, 2
"""Base pairs of a bin; tracks; tracks that pyBigWig writes (it takes ten times as long)."""


def make_signal(bins: int) -> np.ndarray:
    """Positive values with peaks of 16 bins, hills of 256 and some noise: float16 array (bins,)."""
    noise = np.random.default_rng(0).standard_normal(bins, dtype=np.float32)
    total = np.cumsum(noise, dtype=np.float64)

    def smooth(width: int) -> np.ndarray:
        before = np.concatenate([np.zeros(width), total[:-width]])
        return (total - before) / width**0.5

    return np.exp(0.5 * smooth(16) + 0.7 * smooth(256) + 0.02 * noise).astype(np.float16)


def make_run(
    folder: Path,
    *,
    bins: int,
    shards: int,
    tracks: int = TRACKS,
    step: int = STEP,
    dtype: str = "float16",
) -> Path:
    """Plan one contig without N, write its shards and merge them; return the path of plan.json."""
    from genometracks.inputs.genome import Contig, GenomeIndex
    from genometracks.plan.geometry import Geometry
    from genometracks.plan.tile import Scope
    from genometracks.shards.merge import check_shards, save_merged
    from genometracks.shards.shard import write_shard
    from genometracks.shards.sidecar import Notes
    from toys import plan_by_hand

    genome = GenomeIndex("toy", "toy.fa", "0", [Contig("chr1", bins * step, [], "0")])
    geometry = Geometry(window=64 * step, bin=step, span=step, length=64, lead=0)
    plan = plan_by_hand(Scope(genome), geometry, batch=8, shards=shards, tracks=tracks, dtype=dtype)
    work = folder / "work"
    (work / "shards").mkdir(parents=True)
    plan.save(work / "plan.json")
    signal = make_signal(bins)
    for shard in plan.shards:
        for _, first, last in plan.shard_bins(shard):
            columns = np.arange(first, last)
            # Each track is the signal, rotated by a different offset.
            rows = [np.take(signal, columns + 9973 * i, mode="wrap") for i in range(tracks)]
            pieces = iter([np.stack(rows).astype(np.float32)])
            write_shard(work / "shards", plan, shard, pieces=pieces, notes=Notes)
    save_merged(work / "merge.json", check_shards(plan, work / "shards"))
    return work / "plan.json"


def write_theirs(work: Path) -> None:
    """Write the first tracks of a run with pyBigWig."""
    import pyBigWig

    shards = [np.load(path, mmap_mode="r") for path in sorted((work / "shards").glob("*.npy"))]
    length = sum(shard.shape[1] for shard in shards) * STEP
    (work / "theirs").mkdir(exist_ok=True)
    for row in range(THEIRS):
        values = np.concatenate([shard[row] for shard in shards]).astype(np.float32)
        with pyBigWig.open(str(work / "theirs" / f"{row}.bw"), "w") as out:
            out.addHeader([("chr1", length)])
            out.addEntries("chr1", 0, values=values, span=STEP, step=STEP)


def write_bigwig(plan: Path, processes: int = 1) -> Used:
    """Run `genometracks bigwig`, after removing its earlier output."""
    shutil.rmtree(plan.parents[1] / "bigwig", ignore_errors=True)
    return measure("-m", "genometracks.cli", "bigwig", "--plan", plan, "--threads", processes)


def write_parquet(plan: Path) -> Used:
    """Run `genometracks parquet`."""
    out = plan.parents[1] / "parquet"
    return measure("-m", "genometracks.cli", "parquet", "--plan", plan, "--out", out)


def count_bytes(folder: Path) -> int:
    """Size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def compare_speed(folder: Path, *, bins: int, shards: int, repeat: int) -> None:
    """Print the table of speeds."""
    plan = call_in_process(make_run, folder, bins=bins, shards=shards)
    runs: dict[str, list[Used]] = {}
    for _ in range(repeat):
        runs.setdefault("bigwig, 1 process", []).append(write_bigwig(plan))
        theirs = measure(__file__, "--theirs", plan.parent)
        runs.setdefault(f"pyBigWig, {THEIRS} tracks", []).append(theirs)
        runs.setdefault("bigwig, 2 processes", []).append(write_bigwig(plan, 2))
        runs.setdefault("parquet", []).append(write_parquet(plan))
    sizes = {"bigwig": "bigwig", "parquet": "parquet", "pyBigWig": "work/theirs"}
    print(f"\n{TRACKS} tracks of {bins:,} bins of {STEP} bp in {shards} float16 shards\n")
    print("| writer | M/s | M/s per core | B/bin | peak, MiB | per core / pyBigWig |")
    print("|---|---|---|---|---|---|")
    slow = statistics.median(used.cpu for used in runs[f"pyBigWig, {THEIRS} tracks"]) / THEIRS
    for name, used in runs.items():
        kind = name.split(",")[0]
        tracks = THEIRS if kind == "pyBigWig" else TRACKS
        values = bins * tracks
        wall, cpu = (statistics.median(getattr(u, key) for u in used) for key in ("wall", "cpu"))
        size = count_bytes(folder / sizes[kind]) / values
        peak = max(u.peak for u in used)
        print(
            f"| {name} | {values / wall / 1e6:.1f} | {values / cpu / 1e6:.1f} | {size:.2f} | "
            f"{peak:.0f} | {slow * tracks / cpu:.1f} |"
        )
        if name == "bigwig, 1 process":
            note("merge, million bins / s / core", values / cpu / 1e6)
            note("merge / pyBigWig, per core", slow * tracks / cpu)
            note("merge, bytes a bin", size)


def compare_memory(folder: Path, *, bins: int, shards: int, repeat: int) -> None:
    """Print the table of peaks: the inputs of a pair differ in one size."""
    small = {"bins": bins, "shards": shards}
    two = {"tracks": 2, "step": 16, "dtype": "float32", "shards": 4}
    pairs = {
        "4 x bins": (small, {**small, "bins": 4 * bins}),
        "4 x shards": (small, {**small, "shards": 4 * shards}),
        "simulated 34 / 4.6 Mb": (
            {**two, "bins": 4_600_000 // 16},
            {**two, "bins": 34_000_000 // 16},
        ),
    }
    print("\n| inputs | command | tracks | small, MiB | large, MiB | ratio |")
    print("|---|---|---|---|---|---|")
    for i, (what, sizes) in enumerate(pairs.items()):
        plans = [
            call_in_process(make_run, folder / f"{i}{j}", **size) for j, size in enumerate(sizes)
        ]
        for name, write in (("bigwig", write_bigwig), ("parquet", write_parquet)):
            peaks = [statistics.median(write(p).peak for _ in range(repeat)) for p in plans]
            print(
                f"| {what} | {name} | {sizes[0].get('tracks', TRACKS)} | {peaks[0]:.1f} | "
                f"{peaks[1]:.1f} | {peaks[1] / peaks[0]:.3f} |",
                flush=True,
            )
            note(f"memory, {what}: {name}", peaks[1] / peaks[0])
        for plan in plans:
            shutil.rmtree(plan.parents[1])


def main() -> None:
    """Print Markdown tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bins", type=int, default=10_485_760)
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--theirs", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.theirs:
        return write_theirs(options.theirs)
    print(describe("numpy", "pyBigWig", "deflate", "pyarrow"))
    print(f"whole processes, medians of {options.repeat}; command: make bench", flush=True)
    sizes = {"bins": options.bins, "shards": options.shards, "repeat": options.repeat}
    with tempfile.TemporaryDirectory() as folder:
        compare_speed(Path(folder) / "speed", **sizes)
        compare_memory(Path(folder), **{**sizes, "bins": options.bins // 4})


if __name__ == "__main__":
    main()
