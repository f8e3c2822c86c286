"""Seconds of a run of 20 kb in two shards, by plain `snakemake` and by `genometracks run`.

Nearly all of it is the start of processes: the model is a toy. The two take turns, and the fastest
of several runs counts. Run by `make bench`.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from common import ROOT, Used, describe, measure
from goals import note
from pipeline import CPU, write_project

BASES, SHARDS, CORES = 20_000, 2, 2
PLAIN, RUN = "snakemake", "genometracks run"
PROGRAMS = {
    PLAIN: ("-m", "snakemake", "-s", ROOT / "Snakefile", "--configfile", "config.yaml"),
    RUN: ("-m", "genometracks.cli", "run", "config.yaml"),
}


def time_run(program: str) -> Used:
    """Time and memory of a whole run, from a new folder to the report."""
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder), run="light", bases=BASES, prediction=CPU, shards=SHARDS)
        used = measure(*PROGRAMS[program], "--cores", str(CORES), cwd=Path(folder))
        if not (Path(folder) / "results/light/report.html").exists():
            sys.exit(f"{program}: there is no report")
    return used


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    own = Path(sys.executable).parent  # the jobs are `genometracks` of this environment
    os.environ["PATH"] = os.pathsep.join([str(own), os.environ["PATH"]])
    load = os.getloadavg()[0]
    print(f"{describe('snakemake', 'torch')}; {CORES} cores, load before the start {load:.1f}\n")
    turns = [{program: time_run(program) for program in PROGRAMS} for _ in range(repeat)]
    wall = {program: min(turn[program].wall for turn in turns) for program in PROGRAMS}
    cpu = {program: min(turn[program].cpu for turn in turns) for program in PROGRAMS}
    print("| program | wall, s | CPU, s |")
    print("|---|---|---|")
    for program in PROGRAMS:
        print(f"| `{program}` | {wall[program]:.1f} | {cpu[program]:.1f} |")
    ratios = {"wall": wall[PLAIN] / wall[RUN], "CPU": cpu[PLAIN] / cpu[RUN]}
    print(f"| ratio | {ratios['wall']:.2f} | {ratios['CPU']:.2f} |")
    for what, ratio in ratios.items():
        note(f"light run, snakemake / genometracks run: {what}", ratio)


if __name__ == "__main__":
    main()
