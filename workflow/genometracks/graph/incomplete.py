"""Workaround for Snakemake (9.27): outputs of jobs after a checkpoint are never found incomplete.

Snakemake looks for outputs of jobs that were interrupted when it starts, and does not yet know the
jobs after a checkpoint then. Of a prediction that is killed between the data of its shard and the
sidecar, the data alone were taken for complete, and the merge failed.
"""

from typing import Any

PATCHED = "genometracks_incomplete"
"""Attribute that marks a patched class."""
CHECKED = "genometracks_checked"
"""Attribute of a graph: its jobs that were looked at."""


def patch_incomplete(kind: Any) -> None:
    """Patch Snakemake to run interrupted jobs again, too, that become known after a checkpoint.

    Parameters
    ----------
    kind : type
        Snakemake's class `DAG`. Nothing is patched if it has no method `postprocess_after_update`.
    """
    process = getattr(kind, "postprocess_after_update", None)
    if process is None or hasattr(kind, PATCHED):
        return

    async def postprocess_after_update(self: Any) -> None:
        if not self.ignore_incomplete:  # the Snakemake inside a job on a cluster ignores them
            checked = vars(self).setdefault(CHECKED, set())
            for job in [job for job in self.jobs if job not in checked]:
                checked.add(job)
                if not self.needrun(job):
                    found = await self.workflow.persistence.incomplete(job)
                    self.forcefiles.update(found)
        await process(self)

    kind.postprocess_after_update = postprocess_after_update
    setattr(kind, PATCHED, True)
