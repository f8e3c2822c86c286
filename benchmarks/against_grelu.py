"""The same tracks of the same genome, predicted by gReLU 1.1.0 and by this package, on one core.

The two take turns. Ours: the commands `genometracks predict`, `merge` and `bigwig`, one process
each. gReLU: see `grelu_side.py`, once with the default arguments of `predict_on_dataset` and once
with arguments tuned to one core. "Job" excludes the imports on both sides; "processes" includes
everything. Preparation is reported separately (our model, genome, probe and plan) or not counted
(the index of gReLU's FASTA).

Needs an interpreter with gReLU, Lightning and pyBigWig: --grelu-python. Run by `make bench`.
"""

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from common import call_in_process, describe, measure, pin_to_one_core
from genomes import read_ecoli
from goals import note
from predict import write_weights

AUTO = {"window": "auto", "batch_size": "auto"}
# name: (family of predict.py, bases of E. coli or all, settings of our plan)
CASES = {
    "demo": ("demo", None, {"batch_size": 32}),
    "demo, window auto": ("demo", None, AUTO),
    "BPNet-like": ("BPNet-like", 1_000_000, {"batch_size": 32}),
    "BPNet-like, window auto": ("BPNet-like", 1_000_000, AUTO),
}
THEIRS = {"defaults": {"batch_size": 256, "workers": 1}, "tuned": {"batch_size": 32, "workers": 0}}
# Large packages are imported before the clock starts, as in grelu_side.py.
JOB = """
import sys, time
import genometracks.{imports}
from genometracks.cli import main
start, cpu = time.perf_counter(), time.process_time()
status = main(sys.argv[1:])
print(time.perf_counter() - start, time.process_time() - cpu)
sys.exit(status)
"""
IMPORTS = {
    "predict": "common.prefetch, genometracks.inputs.bases, genometracks.predict.predict,"
    " genometracks.common.progress, pyfaidx",
    "merge": "shards.merge",
    "bigwig": "export.bigwigs",
}


def prepare(folder: Path, case: str) -> dict:
    """Write genome and weights and plan our run; return gReLU's job and the seconds of planning."""
    import torch
    from pyfaidx import Faidx

    from toys import Run, write_fasta

    family, length, settings = CASES[case]
    torch.set_num_threads(1)
    fasta = write_fasta(folder / "genome.fa", {"chr": read_ecoli(length)})
    sizes = {name: record.rlen for name, record in Faidx(str(fasta)).index.items()}
    Path(f"{fasta}.sizes").write_text("".join(f"{k}\t{v}\n" for k, v in sizes.items()))
    run = Run(folder / "run", write_weights(folder, family), fasta, shards=1, **settings)
    start = time.perf_counter()
    if "auto" in settings.values():
        run.probe()
    plan = run.plan()
    seconds = time.perf_counter() - start
    described = json.loads((run.work / "model.json").read_text())
    (folder / "theirs").mkdir()
    return {
        "job": {
            "fasta": str(fasta),
            "weights": described["folds"][0]["weights"],
            "architecture": described["folds"][0]["architecture"],
            "geometry": described["geometry"],
            "out": str(folder / "theirs"),
        },
        "bases": sum(sizes.values()),
        "window": plan.geometry.window,
        "batch_size": plan.settings.batch_size,
        "windows": plan.windows,
        "tracks": [track.track for track in plan.tracks],
        "seconds": seconds,
    }


@dataclass
class Job:
    """Time and memory of a job in one or several processes."""

    wall: float  # s, without imports
    cpu: float  # s, without imports
    whole: float  # s, everything
    peak: float  # MiB, of the largest process and its children


def run_ours(folder: Path) -> Job:
    """Our commands, from the plan to bigWigs."""
    work = folder / "run" / "work"
    for left in (work / "shards", folder / "run" / "bigwig"):
        shutil.rmtree(left, ignore_errors=True)
    words = {
        "predict": ["--shard", "0", "--fasta", work / "genome.fa", "--device", "cpu"],
        "merge": ["--out", work / "merge.json"],
        "bigwig": [],
    }
    used = [
        measure("-c", JOB.format(imports=IMPORTS[name]), name, "--plan", work / "plan.json", *rest)
        for name, rest in words.items()
    ]
    wall, cpu = np.sum([list(map(float, one.stdout.split()[-2:])) for one in used], axis=0)
    return Job(wall, cpu, sum(one.wall for one in used), max(one.peak for one in used))


def run_theirs(python: str, folder: Path, job: dict) -> Job:
    """The same tracks by gReLU."""
    script = Path(__file__).with_name("grelu_side.py")
    used = measure(script, json.dumps(job), python=python, cwd=folder)
    found = json.loads(used.stdout.splitlines()[-1])
    return Job(found["wall"], found["cpu"], used.wall, used.peak)


def compare_tracks(folder: Path, tracks: list[str]) -> tuple[float, int, int]:
    """Largest difference / largest value, over the bases that both have; their number; ours."""
    import pyBigWig

    largest, both, ours_all = 0.0, 0, 0
    for i, track in enumerate(tracks):
        with (
            pyBigWig.open(str(folder / "run" / "bigwig" / f"{track}.bw")) as our_file,
            pyBigWig.open(str(folder / "theirs" / f"{i}.bw")) as their_file,
        ):
            for chrom, size in their_file.chroms().items():
                ours = our_file.values(chrom, 0, size, numpy=True)
                theirs = their_file.values(chrom, 0, size, numpy=True)
                shared = np.isfinite(theirs)
                # NaN if only gReLU has a base; no goal accepts NaN.
                difference = np.abs(ours[shared] - theirs[shared]).max()
                largest = max(largest, float(difference / np.abs(theirs[shared]).max()))
                both, ours_all = both + shared.sum(), ours_all + np.isfinite(ours).sum()
    return largest, int(both), int(ours_all)


def compare(python: str, case: str, repeat: int) -> str:
    """What was computed in a case, and the table of its figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made = call_in_process(prepare, folder, case)
        jobs: dict[str, list[Job]] = {name: [] for name in ("ours", *THEIRS)}
        for _ in range(repeat):
            jobs["ours"].append(run_ours(folder))
            for name, how in THEIRS.items():
                jobs[name].append(run_theirs(python, folder, {**made["job"], **how}))
        largest, both, ours = compare_tracks(folder, made["tracks"])
    note(f"difference from gReLU / largest value: {case}", largest)
    head = (
        f"\n{case}: {made['bases']:,} bp; our {made['windows']:,} windows of "
        f"{made['window']:,} bp, batch {made['batch_size']}, planned in {made['seconds']:.1f} s; "
        f"largest difference {largest:.1e} of the largest value, over {both:,} bases of all tracks "
        f"(ours have {ours:,})\n"
    )
    return "\n".join([head, *list_rows(case, jobs)])


def list_rows(case: str, jobs: dict[str, list[Job]]) -> list[str]:
    """Medians of each package, and their ratios to ours."""
    columns = "package | job, s | job's CPU, s | processes, s | peak, MiB | job / ours | CPU / ours"
    rows = [f"| {columns} |", "|---|---|---|---|---|---|---|"]
    medians = {k: np.median([astuple(one) for one in v], axis=0) for k, v in jobs.items()}
    for name, (wall, cpu, whole, peak) in medians.items():
        times, cpu_times = (medians[name] / medians["ours"])[:2]
        who = "ours"
        if name in THEIRS:
            who = f"gReLU, {name}"
            note(f"gReLU ({name}) / ours: {case}", times)
        figures = f"{wall:.2f} | {cpu:.2f} | {whole:.2f} | {peak:.0f}"
        rows.append(f"| {who} | {figures} | **{times:.2f}** | {cpu_times:.2f} |")
    return rows


def main() -> None:
    """Print a Markdown table for each case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--grelu-python", help="an interpreter with gReLU 1.1.0")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    if not options.grelu_python:
        print("skipped: no interpreter with gReLU is given (make bench GRELU_PYTHON=...)")
        return
    pin_to_one_core()
    print(f"{describe('torch', 'numpy')}, one core, medians of {options.repeat}")
    for case in options.cases:
        print(compare(options.grelu_python, case, options.repeat), flush=True)


if __name__ == "__main__":
    main()
