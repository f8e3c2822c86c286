"""Seconds and peak memory of planning a simulated genome, and of loading the plan.

Both are whole processes: `genometracks plan`, and loading plan.json as every prediction job does.
One genome has the contig lengths of hg38 and as many runs of N (at random, seed 0); the other is a
draft of 10,000 contigs. The model gives one value per window; the stride is 64. Run by `make
bench`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from common import ROOT, describe
from goals import note

# Megabases of chr1-22, X, Y.
HG38 = [248.956422, 242.193529, 198.295559, 190.214555, 181.538259, 170.805979, 159.345973]
HG38 += [145.138636, 138.394717, 133.797422, 135.086622, 133.275309, 114.364328, 107.043718]
HG38 += [101.991189, 90.338345, 83.257441, 80.373285, 58.617616, 64.444167, 46.709983, 50.818468]
HG38 += [156.040895, 57.227415]
GENOMES = {
    # name: (lengths in bp, runs of N, shards, regions of 300 bp)
    "hg38-like": ([round(million * 1e6) for million in HG38], 800, 2000, 0),
    "hg38-like, a million regions": ([round(x * 1e6) for x in HG38], 800, 2000, 1_000_000),
    "10,000 contigs": (list(range(5_000, 305_000, 30)), 20_000, 1000, 0),
}
PLAN = "from genometracks.cli import main; assert main(['plan', *sys.argv[1:]]) == 0"
LOAD = "from genometracks.plan.plan import Plan; plan = Plan.load(sys.argv[1]);"
LOAD += "plan.shard_bins(plan.shard(plan.shards[-1].id))"
# Peak of the process itself: the one that `wait4` reports includes the parent's memory.
PEAK = "print([line for line in open('/proc/self/status') if 'VmHWM' in line][0].split()[1])"


def simulate_genome(path: Path, lengths: list[int], runs: int) -> None:
    """Write a genome.json; contigs of more than 1 Mb begin and end with 10 kb of N."""
    from genometracks.inputs.genome import Contig, GenomeIndex

    random = np.random.default_rng(0)
    contigs = []
    for i, length in enumerate(lengths):
        edge = 10_000 if length > 1_000_000 else 0
        count = max(1, runs * length // sum(lengths))
        bounds = np.unique(random.integers(edge + 1, length - edge, 2 * count))
        inner = bounds[: len(bounds) // 2 * 2].reshape(-1, 2).tolist()
        # Most of a contig is sequence: a run of N covers a hundredth of its random interval.
        inner = [[start, start + max(1, (end - start) // 100)] for start, end in inner]
        gaps = [[0, edge], *inner, [length - edge, length]] if edge else inner
        runs_of_n = tuple((start, end) for start, end in gaps)
        contigs.append(Contig(f"chr{i + 1}", length, runs_of_n, f"{i:064x}"))
    GenomeIndex("simulated", "simulated.fa", "0" * 64, tuple(contigs)).save(path)


def write_regions(path: Path, lengths: list[int], count: int) -> None:
    """Write a BED file of unsorted intervals of 300 bp at random positions."""
    random = np.random.default_rng(1)
    with open(path, "w") as file:
        for i, length in enumerate(lengths):
            for start in random.integers(0, length - 300, count * length // sum(lengths)):
                file.write(f"chr{i + 1}\t{start}\t{start + 300}\n")


def write_model(path: Path) -> None:
    """Write the model.json of a model with one value per window of 2,048 bp and 100 tracks."""
    from genometracks.inputs.model import FoldFile, ModelFile
    from grelu_models.geometry import Geometry

    ModelFile(
        folds=(FoldFile("simulated", "simulated", "0" * 64, {}),),
        digest="0" * 64,
        activation=None,
        geometry=Geometry(window=2048, bin=None, crop=0, length=1, tracks=100),
        receptive_field=2048,
        flanks=None,
        tracks=[{"name": f"track {i}"} for i in range(100)],
        strand_partners=None,
        train={},
        intervals={},
        notes=[],
    ).save(path)


def measure(code: str, *words: str) -> tuple[float, float]:
    """Seconds and peak MiB of a Python process."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    command = [sys.executable, "-c", f"import sys; {code}\n{PEAK}", *words]
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    return seconds, int(done.stdout.split()[-1]) / 1024


def measure_genome(folder: Path, lengths: list[int], *, runs: int, shards: int, regions: int):
    """Plan a simulated genome, load the plan; return runs of N, windows, {command: (s, MiB)}."""
    from genometracks.config.resolve import resolve_config
    from genometracks.config.sections import Config
    from genometracks.config.settings import select_plan

    paths = {what: folder / f"{what}.json" for what in ("model", "genome", "plan")}
    simulate_genome(paths["genome"], lengths, runs)
    write_model(paths["model"])
    genome = {"fasta": "genome.fa"}
    if regions:
        genome["regions"] = f"{folder}/regions.bed"
        write_regions(Path(genome["regions"]), lengths, regions)
    config = {
        "genome": genome,
        "model": {"weights": "model.safetensors"},
        "prediction": {"batch_size": 64, "precision": "fp32", "stride": 64},
        "output": {"dtype": "float16"},
        "shards": shards,
    }
    settings = select_plan(Config.of(resolve_config(config)))
    words = ["--settings", json.dumps(settings), "--model", str(paths["model"])]
    words += ["--genome", str(paths["genome"]), "--out", str(paths["plan"])]
    figures = {"plan": measure(PLAN, *words)}
    figures["load"] = measure(LOAD, str(paths["plan"]))
    contigs = json.loads(paths["genome"].read_text())["contigs"]
    windows = json.loads(paths["plan"].read_text())["windows"]
    return sum(len(contig["gaps"]) for contig in contigs), windows, figures


def main() -> None:
    """Print a Markdown table."""
    print(f"{describe('numpy')}\n")
    print("| genome | Gb | runs of N | windows | shards | command | s | peak MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (lengths, runs, shards, regions) in GENOMES.items():
        with tempfile.TemporaryDirectory() as folder:
            gaps, windows, figures = measure_genome(
                Path(folder), lengths, runs=runs, shards=shards, regions=regions
            )
        for what, (seconds, mebibytes) in figures.items():
            print(
                f"| {name} | {sum(lengths) / 1e9:.2f} | {gaps:,} | {windows:,} | {shards:,} | "
                f"{what} | {seconds:.2f} | {mebibytes:.0f} |"
            )
        if name == "hg38-like":
            seconds, mebibytes = figures["plan"]
            note("plan of 48 million windows, s", seconds)
            note("plan of 48 million windows, MB", mebibytes * 2**20 / 1e6)


if __name__ == "__main__":
    main()
