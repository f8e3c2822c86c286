"""A finished run, made by the command line."""

from pathlib import Path

import pytest

from genometracks.config.resolve import resolve_config
from toys import Run


@pytest.fixture
def finished(run: Run) -> Path:
    """Folder of a finished run with a BED file of regions among its inputs."""
    plan = run.work / "plan.json"
    given = {"genome": {"fasta": str(run.fasta)}, "model": {"weights": str(run.weights)}}
    config = resolve_config({**given, "run": "run", "shards": 3})
    run.command("merge", plan=plan, out=run.work / "merge.json")
    run.command("tracks", settings={"bigwig": True}, plan=plan, out=run.folder / "tracks.tsv")
    run.command("bigwig", plan=plan)
    run.command("parquet", plan=plan, out=run.folder / "parquet")
    run.command("manifest", settings=config, plan=plan, out=run.folder / "manifest.json")
    run.command(
        "summary",
        settings={"observed": []},
        plan=plan,
        logs=run.folder / "logs",
        out=run.folder / "summary.txt",
    )
    return run.folder
