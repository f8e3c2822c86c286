"""Write cpu.yaml and gpu.yaml: the packages of a job, at the versions of requirements.lock.

Snakemake copies an environment file before using it, so the file cannot refer to another one and
lists every package. Run this again when requirements.lock changes; tests/test_envs.py compares.
"""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).parent
FILES = {
    "cpu.yaml": ("Jobs that do not load a model: without PyTorch.", {"torch"}),
    "gpu.yaml": ("Jobs that load a model: with PyTorch, which uses CUDA where available.", set()),
}
LEFT_OUT = {"argcomplete", "rich", "snakemake"}
"""What starts the jobs and shows their progress is not needed in them."""


def normalise(name: str) -> str:
    """A package's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock() -> dict[str, str]:
    """Version of each package in requirements.lock, by name."""
    lines = (HERE.parent / "requirements.lock").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def list_needed(without: set[str]) -> list[str]:
    """Names of locked packages that the project needs, without those in `without` and theirs."""
    lock, found = read_lock(), set()
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    waiting = [project["dependencies"]]
    while waiting:
        for text in waiting.pop():
            requirement = Requirement(text)
            name = normalise(requirement.name)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            if name not in found and name not in without and name in lock:
                found.add(name)
                waiting.append(requires(name) or [])
    return sorted(found)


def describe(name: str) -> str:
    """The text of an environment file."""
    comment, without = FILES[name]
    lock = read_lock()
    pins = "".join(f"      - {each}=={lock[each]}\n" for each in list_needed(without | LEFT_OUT))
    return (
        f"# {comment}\n"
        "# Written by envs/make.py from requirements.lock. Not yet tested: see the README.\n"
        "channels:\n  - conda-forge\n  - nodefaults\n"
        f"dependencies:\n  - python=3.11\n  - pip\n  - pip:\n{pins}"
    )


if __name__ == "__main__":
    for name in FILES:
        (HERE / name).write_text(describe(name))
