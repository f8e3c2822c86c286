"""Shell commands by which a job finds this program."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from genometracks.places import PACKAGE, find_workflow

LINKS = Path(".snakemake") / "grelu-tracks"
"""Folder of `link_packages`."""
LINKED = ("genometracks", "grelu_models", "grelu_tracks-*.dist-info")
"""What an installed package consists of; the last states its version."""


def write_prefix(*, deployed: bool) -> str:
    """Write the shell commands that run before those of every job.

    Parameters
    ----------
    deployed : bool
        Whether Snakemake makes the environments of the jobs (conda, containers). These contain the
        program's dependencies, and their Python runs the program from its source. Otherwise a
        `genometracks` on PATH takes precedence over the one beside this Python.

    Returns
    -------
    str
        A format string, in which braces are doubled: Snakemake fills in its variables.
    """
    if deployed:
        paths = shlex.quote(":".join(map(str, list_package_folders())))
        text = (
            f'export PYTHONPATH={paths}"${{PYTHONPATH:+:$PYTHONPATH}}"; '
            'genometracks() { python -m genometracks.cli "$@"; }; '
        )
    else:
        text = f'export PATH="$PATH:{Path(sys.executable).parent}"; '
    return text.replace("{", "{{").replace("}", "}}")


def list_package_folders() -> Iterator[Path]:
    """Yield folders from which another Python imports this program, and nothing else.

    In a checkout, these are the folder of the Snakefile, which holds `genometracks`, and the one
    above it, which holds `grelu_models`. An installed program is linked into a folder of its own:
    beside it are the packages of this Python, which would replace those of the job's environment.
    """
    workflow = find_workflow()
    if workflow.is_relative_to(PACKAGE):
        yield link_packages(PACKAGE.parent, LINKS.absolute())
    else:
        yield workflow
        yield workflow.parent


def link_packages(installed: Path, folder: Path) -> Path:
    """Link the packages of a folder of installed packages into another; return the latter.

    Links of an earlier version are replaced or removed. Jobs may do so at the same time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    targets = {path.name: path for pattern in LINKED for path in installed.glob(pattern)}
    for name, target in targets.items():
        link = folder / name
        if not (link.is_symlink() and link.readlink() == target):
            new = folder / f".{name}.{os.getpid()}"
            new.symlink_to(target)
            new.replace(link)
    for path in folder.glob("grelu_tracks-*"):
        if path.name not in targets:
            path.unlink(missing_ok=True)
    return folder
