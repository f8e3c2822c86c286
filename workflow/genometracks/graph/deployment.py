"""How a job's shell finds this program."""

import shlex
import sys
from pathlib import Path


def write_prefix(workflow: Path, *, deployed: bool) -> str:
    """Shell commands that go before those of every job.

    Parameters
    ----------
    workflow : Path
        The folder of the Snakefile, beside which the packages stand.
    deployed : bool
        Whether Snakemake makes the jobs' environments (conda, containers): these hold what the
        program needs, and their Python runs it from its files. Else a `genometracks` on PATH goes
        first, and then the one beside this Python.
    """
    if not deployed:
        return f'export PATH="$PATH:{Path(sys.executable).parent}"; '
    paths = shlex.quote(f"{workflow}:{workflow.parent}")
    return (
        f'export PYTHONPATH={paths}"${{PYTHONPATH:+:$PYTHONPATH}}"; '
        'genometracks() { python -m genometracks.cli "$@"; }; '
    )
