"""Write cpu.yaml and gpu.yaml: what a job needs, at the versions of requirements.lock.

Snakemake copies an environment file before it is used, so that it cannot point at other files:
every package is written out. Run it again when requirements.lock changes; a test compares.
"""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).parent
FILES = {
    "cpu.yaml": ("Jobs that predict nothing: they need no PyTorch.", {"torch"}),
    "gpu.yaml": ("Jobs that load a model: PyTorch, with CUDA where the machine has it.", set()),
}
CALLED = {"snakemake"}
"""What calls the jobs, and is not called by them."""


def normalise(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock() -> dict[str, str]:
    """Name -> version."""
    lines = (HERE.parent / "requirements.lock").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def list_needed(without: set[str]) -> list[str]:
    """All that the project's own dependencies need, the lock's versions among them."""
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
    pins = "".join(f"      - {each}=={lock[each]}\n" for each in list_needed(without | CALLED))
    return (
        f"# {comment}\n"
        "# Written by envs/make.py from requirements.lock. Not yet tried: see the README.\n"
        "channels:\n  - conda-forge\n  - nodefaults\n"
        f"dependencies:\n  - python=3.11\n  - pip\n  - pip:\n{pins}"
    )


if __name__ == "__main__":
    for name in FILES:
        (HERE / name).write_text(describe(name))
