"""A mend for Snakemake's Slurm plugin (2.8.0), where it is in use.

Of two kinds of jobs that ended the plugin believes that they still run, and waits for them without
end: cancelled ones, of which sacct says 'CANCELLED by 1000' (the plugin knows 'CANCELLED' only),
and preempted ones that the cluster does not run again (PreemptMode=CANCEL).
"""

import subprocess
import sys
from types import ModuleType

PLUGIN = "snakemake_executor_plugin_slurm"


def mend_states(plugin: ModuleType | None = None) -> None:
    """Let the plugin see states by their first word, and preempted jobs that are gone as cancelled.

    Parameters
    ----------
    plugin : module, optional
        By default the one that Snakemake has imported; nothing is done where there is none, or
        where it asks in another way.
    """
    plugin = plugin or sys.modules.get(PLUGIN)
    ask = getattr(plugin, "query_job_status", None)
    if ask is None or getattr(ask, "mended", False):
        return

    async def query_job_status(*args, **keywords):
        states, *rest = await ask(*args, **keywords)
        if states is not None:
            states = {job: state.split(" ")[0] for job, state in states.items()}
            preempted = [job for job, state in states.items() if state == "PREEMPTED"]
            states.update(dict.fromkeys(_find_gone(preempted), "CANCELLED"))
        return states, *rest

    query_job_status.mended = True
    plugin.query_job_status = query_job_status


def _find_gone(jobs: list[str]) -> list[str]:
    """Those of the jobs that neither run nor wait; none where the controller does not answer."""
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
