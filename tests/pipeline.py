"""Snakemake on this workflow, in a folder of a test's own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from toys import random_bases, write_fasta, write_model

ROOT = Path(__file__).parents[1]


def write_project(folder: Path, *, run: str, bases: int, model: dict | None = None, **config):
    """Write config.yaml of a run, its genome of one random contig and its untrained model.

    `config` goes before the sections of a small run in fp32; `model` are changes of the toy model.
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
"""The section `prediction` of a run that leaves GPUs alone."""


tools: Path | None = None
"""Folder of programs that start at once (`warm.Warm.install`); see the fixture `warm_tools`."""


def snakemake(
    folder: Path,
    *words: str,
    snakefile: str = str(ROOT / "Snakefile"),
    plain: bool = False,
    **environment: str,
) -> subprocess.CompletedProcess:
    """Run Snakemake with config.yaml of a folder, on two cores.

    `plain` starts it and its jobs as a user does; else they are forked from a process that has
    imported everything, if the fixture `warm_tools` is in use.
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
    said = run(folder, "-n", **how)
    return set(re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", said, re.M))
