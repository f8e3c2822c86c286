"""Seconds of `genometracks query`, the start of the process included, on runs of many tracks.

Each run is one contig without N, in bins of 32 bp, with a Parquet table made by `genometracks
parquet`. The best of several processes on all cores, files in the page cache. Run by `make bench`.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from merge import STEP, make_run

from common import Used, call_in_process, describe, measure
from goals import QUESTIONS, note

WORDS = (
    ["chr1:1,000,000-1,010,000", "--tracks", "t7"],
    ["chr1:1,000,000-1,010,000", "--tracks", "t1", "t1?"],
    ["chr1:1,000,000-1,010,000"],
    ["--end"],
    ["--bed"],
    ["chr1", "--tracks", "t7"],
)
"""Arguments of the questions in `goals.QUESTIONS`."""
RUNS = ((1_000, 4_194_304), (7_611, 4_194_304), (100, 100_000_000))
"""Tracks, and bp of the contig. The last has the size of a human chromosome."""


def finish_run(plan_file: Path) -> None:
    """Write tracks.tsv and manifest.json of a run whose other files exist."""
    from genometracks.config.resolve import resolve_config
    from genometracks.config.sections import Config
    from genometracks.export.manifest import write_manifest
    from genometracks.plan.plan import Plan
    from genometracks.shards.merge import check_shards
    from genometracks.tracks.table import write_tracks

    plan, folder = Plan.load(plan_file), plan_file.parents[1]
    config = {"run": "big", "genome": {"fasta": "toy.fa"}, "model": {"weights": "toy.ckpt"}}
    write_tracks(plan.tracks, folder / "tracks.tsv", suffix=".bw")
    write_manifest(
        folder / "manifest.json",
        plan,
        config=Config.of(resolve_config(config)),
        sidecars=check_shards(plan, plan_file.parent / "shards"),
        observed=[],
        results=[],
    )


def make_big_run(folder: Path, *, tracks: int, bases: int) -> Path:
    """Make a run of one contig with its Parquet table; return its folder."""
    shards = max(tracks * bases // STEP >> 27, 1)  # 1 GB in memory for each
    plan = call_in_process(make_run, folder, bins=bases // STEP, shards=shards, tracks=tracks)
    out = folder / "parquet"
    measure("-m", "genometracks.cli", "parquet", "--plan", plan, "--out", out, "--threads", 2)
    call_in_process(finish_run, plan)
    shutil.rmtree(plan.parent / "shards")
    return folder


def ask(folder: Path, words: list[str], *, bases: int, repeat: int) -> Used:
    """Ask the same several times; return what the fastest query used."""
    if words == ["--end"]:
        words = [f"chr1:{bases - 10_000}-{bases}"]
    if words == ["--bed"]:
        step = bases // 1_000
        bed = folder / "regions.bed"
        bed.write_text("".join(f"chr1\t{i * step}\t{i * step + 1_000}\n" for i in range(1_000)))
        words = ["--bed", str(bed), "--tracks", "t7", "--by-region", "mean"]
    command = ["-m", "genometracks.cli", "query", str(folder), *words]
    return min((measure(*command) for _ in range(repeat)), key=lambda used: used.wall)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--runs", type=int, default=len(RUNS), help="only the first runs")
    options = parser.parse_args()
    print(f"{describe('pyarrow', 'numpy')}\n")
    print("| tracks | contig, Mb | question | s | CPU s | peak, MiB | answer, MB |")
    print("|---|---|---|---|---|---|---|")
    for tracks, bases in RUNS[: options.runs]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = make_big_run(Path(temporary) / "big", tracks=tracks, bases=bases)
            for name, words in zip(QUESTIONS, WORDS, strict=True):
                used = ask(folder, words, bases=bases, repeat=options.repeat)
                print(
                    f"| {tracks:,} | {bases / 1e6:.1f} | {name} | {used.wall:.2f} | "
                    f"{used.cpu:.2f} | {used.peak:.0f} | {len(used.stdout) / 1e6:.2f} |",
                    flush=True,
                )
                note(f"query of {tracks:,} tracks, {bases // 1_000_000} Mb: {name}, s", used.wall)


if __name__ == "__main__":
    main()
