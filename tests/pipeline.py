"""Snakemake on this workflow, in a folder of a test's own."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def snakemake(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """Run Snakemake with config.yaml of a folder, on two cores."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2"]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    return subprocess.run(
        [*command, "--configfile", "config.yaml", *words],
        cwd=folder,
        env={**os.environ, **paths, **environment},
        capture_output=True,
        text=True,
    )


def run(folder: Path, *words: str, **environment: str) -> str:
    """The same, which must end well; what it said."""
    done = snakemake(folder, *words, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned_rules(folder: Path) -> set[str]:
    """Rules that a dry run would execute."""
    return set(re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", run(folder, "-n"), re.M))
