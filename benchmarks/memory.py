"""Peak memory of a run for a small and a large genome: E. coli (4.6 Mb), Dictyostelium (34 Mb).

Whole processes, imports included: `genometracks predict` of one shard that holds all windows,
`bigwig` and `parquet`, with the model and batch size of the demo. A peak is VmHWM, summed over the
processes of a command. `merge.py` measures more tracks and shards. Run by `make bench`.
"""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from common import call_in_process, describe, measure, pin_to_one_core
from genomes import fetch_dictyostelium, fetch_ecoli, simulate_dictyostelium
from goals import note
from predict import FAMILIES, write_weights

COMMANDS = ("predict", "bigwig", "parquet")


def make_plan(folder: Path, fasta: Path | None) -> tuple[int, int, int]:
    """Plan a run of the demo's model in one shard; return contigs, base pairs and windows."""
    from toys import Run

    folder.mkdir()
    fasta = fasta or simulate_dictyostelium(folder / "simulated.fa")
    weights = write_weights(folder, "demo")
    batch, dtype = FAMILIES["demo"][2], FAMILIES["demo"][4]
    plan = Run(folder / "run", weights, fasta, batch_size=batch, shards=1, dtype=dtype).plan()
    return len(plan.lengths), sum(plan.lengths.values()), plan.windows


def run_once(folder: Path) -> dict[str, tuple[float, float]]:
    """Run every command; return {command: (seconds, MiB)}."""
    work = folder / "run" / "work"
    for left in (work / "shards", folder / "run" / "bigwig", folder / "run" / "parquet"):
        shutil.rmtree(left, ignore_errors=True)
    words = {
        "predict": ["--shard", "0", "--fasta", work / "genome.fa", "--device", "cpu"],
        "merge": ["--out", work / "merge.json"],
        "bigwig": [],
        "parquet": ["--out", folder / "run" / "parquet"],
    }
    found = {}
    for name, rest in words.items():
        plan = work / "plan.json"
        used = measure("-m", "genometracks.cli", name, "--plan", plan, *rest)
        found[name] = used.wall, used.peak
    return found


def compare(folders: list[Path], repeat: int) -> None:
    """Print the table of peaks."""
    found = [[run_once(folder) for _ in range(repeat)] for folder in folders]
    print("\n| command | 4.6 Mb, s | 34 Mb, s | 4.6 Mb, MiB | 34 Mb, MiB | ratio |")
    print("|---|---|---|---|---|---|")
    for name in COMMANDS:
        runs = [[once[name] for once in genome] for genome in found]
        seconds = [statistics.median(wall for wall, _ in genome) for genome in runs]
        small, large = (statistics.median(peak for _, peak in genome) for genome in runs)
        print(
            f"| {name} | {seconds[0]:.1f} | {seconds[1]:.1f} | {small:.1f} | {large:.1f} | "
            f"**{large / small:.3f}** |"
        )
        note(f"memory, 34 / 4.6 Mb: {name}", large / small)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    pin_to_one_core()
    print(f"{describe('torch', 'numpy')}, one core, medians of {options.repeat}")
    large = fetch_dictyostelium()
    genomes = {"E. coli": fetch_ecoli(), "Dictyostelium" if large else "simulated": large}
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / str(i) for i in range(len(genomes))]
        for (name, fasta), place in zip(genomes.items(), folders, strict=True):
            contigs, bases, windows = call_in_process(make_plan, place, fasta)
            print(f"{name}: {contigs} contigs, {bases:,} bp, {windows:,} windows")
        compare(folders, options.repeat)


if __name__ == "__main__":
    main()
