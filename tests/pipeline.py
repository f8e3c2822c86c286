"""Small runs of the workflow by Snakemake, in a folder of the test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from toys import random_bases, write_fasta, write_model

ROOT = Path(__file__).parents[1]


def write_project(folder: Path, *, run: str, bases: int, model: dict | None = None, **config):
    """Write config.yaml of a run, a genome of one random contig and an untrained model.

    `config` replaces sections of the default, a small run in fp32; `model` changes the toy model.
    """
    write_fasta(folder / "g.fa", {"chr1": random_bases(bases, seed=0)})
    write_model(folder, name="m", **(model or {}))
    common = {
        "run": run,
        "genome": {"fasta": "g.fa"},
        "model": {"weights": "m.safetensors"},
        "prediction": {"batch_size": 4, "precision": "fp32"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump({**common, **config}))


CPU = {"batch_size": 4, "precision": "fp32", "device": "cpu"}
"""Section `prediction` of a run on the CPU."""


tools: Path | None = None
"""Folder of `warm.Warm.install`, while the fixture `warm_tools` is in use."""


def snakemake(
    folder: Path,
    *words: str,
    snakefile: str = str(ROOT / "Snakefile"),
    plain: bool = False,
    **environment: str,
) -> subprocess.CompletedProcess:
    """Run Snakemake with config.yaml of a folder, on two cores.

    With the fixture `warm_tools`, Snakemake and its jobs are forked from a process that has
    imported everything. `plain` starts them as a user does all the same.
    """
    program = [sys.executable, "-m", "snakemake"]
    variables = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    if tools and not plain:
        program = [str(tools / "snakemake")]
        variables["PATH"] = f"{tools}:{variables['PATH']}"
    return subprocess.run(
        [*program, "-s", snakefile, "--cores", "2", "--configfile", "config.yaml", *words],
        cwd=folder,
        env={**variables, **environment},
        capture_output=True,
        text=True,
    )


def run(folder: Path, *words: str, **how) -> str:
    """Output of Snakemake, which must succeed; `how` as for `snakemake`."""
    done = snakemake(folder, *words, **how)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned_rules(folder: Path, **how) -> set[str]:
    """Rules that a dry run would execute."""
    return list_rules(run(folder, "-n", **how))


def list_rules(output: str) -> set[str]:
    """Rules in the output of a dry run."""
    return set(re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", output, re.M))
