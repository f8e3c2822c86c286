"""States as sacct tells them are states as Snakemake's plugin knows them."""

import asyncio
from types import ModuleType

from genometracks.slurm import mend_cancelled


def test_a_cancelled_job_is_cancelled_by_whomever():
    plugin = ModuleType("plugin")

    async def query_job_status(command, logger):
        if command == "fail":
            return None, None
        return {"1": "CANCELLED by 0", "2": "COMPLETED", "3": ""}, 0.5

    plugin.query_job_status = query_job_status
    mend_cancelled(plugin)
    mended = plugin.query_job_status
    found = asyncio.run(mended("sacct", None))
    assert found == ({"1": "CANCELLED", "2": "COMPLETED", "3": ""}, 0.5)
    assert asyncio.run(mended("fail", None)) == (None, None)
    mend_cancelled(plugin)
    assert plugin.query_job_status is mended


def test_the_plugin_that_is_installed_is_mended():
    import snakemake_executor_plugin_slurm as plugin

    assert asyncio.iscoroutinefunction(plugin.query_job_status)
    mend_cancelled(ModuleType("another"))  # without the function: left alone
