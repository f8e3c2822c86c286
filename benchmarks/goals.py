"""Goals of the benchmarks, and the file in which the scripts record their ratios.

`all.py` names the file in an environment variable and prints the ratios beside the goals. A script
that runs alone records nothing.
"""

import json
import os
from pathlib import Path

VARIABLE = "BENCH_RATIOS"

SMALL = ("ConvModel", "BPNet-like", "ConvGRU", "ConvTransformer", "ConvMLP")
AGAINST = {
    "demo": ">= 3",
    "demo, window auto": "",
    "BPNet-like": "",
    "BPNet-like, window auto": ">= 2",
}
HOW = ("defaults", "tuned")
FULL = ("Enformer, full size", "Borzoi, full size")

QUESTIONS = (
    "10 kb, 1 track",
    "10 kb, 11 tracks",
    "10 kb, all tracks",
    "10 kb at the end, all tracks",
    "1,000 regions of 1 kb, 1 track",
    "whole contig, 1 track",
)

# name: goal. Small models have none (empty): the same kernels bound the time of both packages.
GOALS = {
    **{
        f"predict / bare loop: {family}": "<= 1.03"
        for family in ("demo", "BPNet-like", "Enformer, small")
    },
    **{
        f"average / plain: {family}, {case}": goal
        for family in ("demo", "BPNet-like")
        for case, goal in {
            "both strands": "<= 2.05",
            "two shifts": "<= 2.05",
            "three folds": "<= 3.05",
        }.items()
    },
    "average / plain: Enformer, small, ten groups of 100 tracks": "<= 1.03",
    **{f"gReLU ({how}) / ours: {case}": goal for how in HOW for case, goal in AGAINST.items()},
    **{f"difference from gReLU / largest value: {case}": "<= 1e-05" for case in AGAINST},
    "memory, 34 / 4.6 Mb: predict": "<= 1.05",
    "memory, 34 / 4.6 Mb: bigwig": "<= 1.05",
    "memory, 34 / 4.6 Mb: parquet": "<= 1.05",
    "bigWig writer alone / pyBigWig: noise": ">= 4",
    "bigWig writer alone / pyBigWig: walk": ">= 4",
    "merge, million bins / s / core": ">= 20",
    "merge / pyBigWig, per core": ">= 4",
    "merge, bytes a bin": "<= 4.6",
    **{
        f"memory, {what}: {command}": "<= 1.05"
        for what in ("4 x bins", "4 x shards", "simulated 34 / 4.6 Mb")
        for command in ("bigwig", "parquet")
    },
    "memory, scan of 40 million runs of N / none": "<= 2",
    "plan of 48 million windows, s": "< 10",
    "plan of 48 million windows, MB": "< 200",
    "dry run of 2,000 shards, s": "< 4",
    "dry run of 10,000 shards, s": "< 15",
    "dry run of 256 shards of 7,611 tracks, s": "< 15",
    "light run, snakemake / genometracks run: wall": ">= 2",
    "light run, snakemake / genometracks run: CPU": "",
    **{
        f"query of {tracks:,} tracks, {bases}: {question}, s": "< 1" if tracks == 1_000 else ""
        for tracks, bases in ((1_000, "4 Mb"), (7_611, "4 Mb"), (100, "100 Mb"))
        for question in QUESTIONS
    },
    **{f"forward, gReLU / ours: {family}": "" for family in SMALL},
    **{f"forward, gReLU / ours: {family}": "> 1" for family in FULL},
    **{f"forward, memory, ours / gReLU: {family}": "" for family in SMALL},
    **{f"forward, memory, ours / gReLU: {family}": "< 0.5" for family in FULL},
    **{f"forward, difference from gReLU / largest value: {family}": "<= 1e-05" for family in SMALL},
    **{f"forward, difference from gReLU / largest value: {family}": "<= 1e-04" for family in FULL},
}
COMPARE = {
    "<=": float.__le__,
    ">=": float.__ge__,
    "<": float.__lt__,
    ">": float.__gt__,
}


def note(name: str, value: float) -> None:
    """Record a ratio in the file of this run, if there is one."""
    if name not in GOALS:
        raise KeyError(f"{name}: not in benchmarks/goals.py")
    if os.environ.get(VARIABLE):
        with open(os.environ[VARIABLE], "a") as file:
            file.write(json.dumps({"name": name, "value": float(value)}) + "\n")


def read_notes(path: Path) -> dict[str, float]:
    """The ratios of a run: {name: value}."""
    notes = [json.loads(line) for line in path.read_text().splitlines()]
    return {one["name"]: one["value"] for one in notes}


def make_table(measured: dict[str, float]) -> str:
    """All goals as a Markdown table; a ratio that was not measured is marked."""
    lines = ["| ratio | measured | goal | met |", "|---|---|---|---|"]
    for name, goal in GOALS.items():
        if name not in measured:
            lines.append(f"| {name} | not measured | {goal or '-'} | - |")
            continue
        met = "-"
        if goal:
            sign, bound = goal.split()
            met = "yes" if COMPARE[sign](measured[name], float(bound)) else "**no**"
        lines.append(f"| {name} | {measured[name]:.3g} | {goal or '-'} | {met} |")
    return "\n".join(lines)
