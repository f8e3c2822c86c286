"""Workaround for Snakemake (9.27): `--until RULE` ends at a checkpoint on which the rule depends.

When the jobs after a checkpoint become known, Snakemake has forgotten which files of a rule with
wildcards are wanted, and finds nothing to do.
"""

from typing import Any

PATCHED = "genometracks_patched"
"""Attribute that marks a patched class."""


def patch_until(kind: Any) -> None:
    """Patch how Snakemake selects the jobs of `--until`.

    The files of these jobs are remembered. `--until predict` becomes `--until merge`, which takes
    seconds more: before the plan exists, there are no predictions to select.

    Parameters
    ----------
    kind : type
        Snakemake's class `DAG`. Nothing is patched if it has no method `set_until_jobs`.
    """
    select = getattr(kind, "set_until_jobs", None)
    if select is None or hasattr(kind, PATCHED):
        return

    def set_until_jobs(self: Any) -> None:
        if "predict" in self.untilrules:
            self.untilrules = self.untilrules - {"predict"} | {"merge"}
        select(self)
        if self.untilrules:
            self.targetfiles.update(file for job in self.targetjobs for file in job.output)

    kind.set_until_jobs = set_until_jobs
    setattr(kind, PATCHED, True)
