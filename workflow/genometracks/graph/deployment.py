"""Shell commands by which a job finds this program."""

import shlex
import sys
from pathlib import Path


def write_prefix(workflow: Path, *, deployed: bool) -> str:
    """Write the shell commands that run before those of every job.

    Parameters
    ----------
    workflow : Path
        The folder of the Snakefile, which holds `genometracks`; `grelu_models` is beside it.
    deployed : bool
        Whether Snakemake makes the environments of the jobs (conda, containers). These contain the
        program's dependencies, and their Python runs the program from its source. Otherwise a
        `genometracks` on PATH takes precedence over the one beside this Python.
    """
    if not deployed:
        return f'export PATH="$PATH:{Path(sys.executable).parent}"; '
    paths = shlex.quote(f"{workflow}:{workflow.parent}")
    return (
        f'export PYTHONPATH={paths}"${{PYTHONPATH:+:$PYTHONPATH}}"; '
        'genometracks() { python -m genometracks.cli "$@"; }; '
    )
