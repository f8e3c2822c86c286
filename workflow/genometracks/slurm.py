"""A mend for Snakemake's Slurm plugin (2.8.0), where it is in use.

sacct says 'CANCELLED by 1000' of a job that somebody, or the cluster, cancelled. The plugin knows
'CANCELLED' only, takes the job for one that still runs, and waits for it without end.
"""

import sys
from types import ModuleType

PLUGIN = "snakemake_executor_plugin_slurm"


def mend_cancelled(plugin: ModuleType | None = None) -> None:
    """Let the plugin see states by their first word.

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
        return states, *rest

    query_job_status.mended = True
    plugin.query_job_status = query_job_status
