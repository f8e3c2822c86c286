"""Workaround for Snakemake's Slurm plugin (2.8.0).

The plugin treats two kinds of ended jobs as running, and waits for them forever: cancelled jobs,
which sacct reports as 'CANCELLED by 1000' (the plugin recognises only 'CANCELLED'), and preempted
jobs that the cluster does not requeue (PreemptMode=CANCEL).
"""

import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType

PLUGIN = "snakemake_executor_plugin_slurm"
PATCHED = "genometracks_patched"
"""Attribute that marks a patched plugin."""


def patch_states(plugin: ModuleType | None = None) -> None:
    """Patch how the plugin reads the states of jobs.

    A state is reduced to its first word, and a preempted job that is no longer in the queue counts
    as cancelled.

    Parameters
    ----------
    plugin : module, optional
        Default is None: the plugin that Snakemake has imported. Nothing is patched if there is
        none, or if it has no function `query_job_status`.
    """
    plugin = plugin or sys.modules.get(PLUGIN)
    query = getattr(plugin, "query_job_status", None)
    if plugin is None or query is None or hasattr(plugin, PATCHED):
        return

    async def query_job_status(*args: object, **keywords: object) -> tuple[object, ...]:
        states, *rest = await query(*args, **keywords)
        if states is not None:
            states = {job: state.split(" ")[0] for job, state in states.items()}
            preempted = [job for job, state in states.items() if state == "PREEMPTED"]
            states.update(dict.fromkeys(_find_gone(preempted), "CANCELLED"))
        return states, *rest

    vars(plugin).update({"query_job_status": query_job_status, PATCHED: True})


def _find_gone(jobs: Sequence[str]) -> list[str]:
    """Jobs that are neither running nor pending; none if the controller does not answer."""
    if not jobs:
        return []
    words = ["squeue", "--noheader", "--format=%i", f"--jobs={','.join(jobs)}"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    if done.returncode and "Invalid job id" not in done.stderr:
        return []
    listed = done.stdout.split()
    return [job for job in jobs if job not in listed]
