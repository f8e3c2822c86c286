"""Fixtures of the tests that run Snakemake."""

import pytest

import pipeline


@pytest.fixture(scope="module")
def warm_tools(warm, tmp_path_factory):
    """Let Snakemake and its jobs be forked from a process that has imported everything."""
    with pytest.MonkeyPatch.context() as patch:
        folder = warm.install(tmp_path_factory.mktemp("tools") / "bin")
        patch.setattr(pipeline, "tools", folder)
        yield
