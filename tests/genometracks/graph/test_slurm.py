"""States that sacct reports become states that the Slurm plugin of Snakemake knows."""

import asyncio
from types import ModuleType

import pytest

from genometracks.graph.slurm import _find_gone, patch_states


def test_a_job_is_cancelled_no_matter_who_cancelled_it():
    plugin = ModuleType("plugin")

    async def query_job_status(command, logger):
        if command == "fail":
            return None, None
        return {"1": "CANCELLED by 0", "2": "COMPLETED", "3": ""}, 0.5

    plugin.query_job_status = query_job_status
    patch_states(plugin)
    patched = plugin.query_job_status
    found = asyncio.run(patched("sacct", None))
    assert found == ({"1": "CANCELLED", "2": "COMPLETED", "3": ""}, 0.5)
    assert asyncio.run(patched("fail", None)) == (None, None)
    patch_states(plugin)
    assert plugin.query_job_status is patched


def test_the_installed_plugin_has_the_function_that_is_patched():
    import snakemake_executor_plugin_slurm as plugin

    assert asyncio.iscoroutinefunction(plugin.query_job_status)
    patch_states(ModuleType("another"))  # without the function, nothing is patched


@pytest.mark.parametrize(
    ("script", "gone"),
    [
        ("echo 5", False),  # it is queued again
        ("true", True),
        ("echo slurm_load_jobs error: Invalid job id specified >&2; exit 1", True),
        ("echo Unable to contact slurm controller >&2; exit 1", False),
    ],
)
def test_a_preempted_job_that_is_not_queued_again_is_gone(tmp_path, monkeypatch, script, gone):
    tool = tmp_path / "squeue"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    plugin = ModuleType("plugin")

    async def query_job_status():
        return {"4": "RUNNING", "5": "PREEMPTED"}, 0.5

    plugin.query_job_status = query_job_status
    patch_states(plugin)
    states, _ = asyncio.run(plugin.query_job_status())
    assert states == {"4": "RUNNING", "5": "CANCELLED" if gone else "PREEMPTED"}


def test_no_job_is_gone_without_squeue(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert _find_gone(["5"]) == []
