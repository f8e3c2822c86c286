"""Finished runs with reports."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from finished_runs import write_log
from genometracks.config.resolve import resolve_config
from toys import Run


@pytest.fixture
def finish() -> Callable[..., Path]:
    """Finish a predicted run by the command line: `finish(run, evaluation)` returns its report."""

    def write(run: Run, evaluation: dict | None = None, *, bigwig: bool = True) -> Path:
        plan, folder = run.work / "plan.json", run.folder
        given = {"genome": {"fasta": str(run.fasta)}, "model": {"weights": str(run.weights)}}
        given |= {"evaluation": evaluation or {}, "output": {"bigwig": bigwig}}
        config = resolve_config({**given, "run": folder.name})
        settings = config["evaluation"]
        run.command("merge", plan=plan, out=run.work / "merge.json")
        run.command("tracks", settings={"bigwig": bigwig}, plan=plan, out=folder / "tracks.tsv")
        if bigwig:
            run.command("bigwig", plan=plan)
        if evaluation:
            run.command("observed", settings=settings, plan=plan, out=run.work / "observed.json")
            figures, table = folder / "figures", folder / "evaluation.tsv"
            run.command("evaluate", settings=settings, plan=plan, figures=figures, out=table)
        run.command("manifest", settings=config, plan=plan, out=folder / "manifest.json")
        out = folder / "report.html"
        write_log(folder / "logs" / "plan.log", "plan", seconds=2, peak=40)
        for i, shard in enumerate(json.loads(plan.read_text())["shards"]):
            log = folder / "logs" / "predict" / f"{shard['id']}.log"
            write_log(log, "predict", start=10 + i, seconds=4, peak=1_300 + i)
        model, logs = run.work / "model.json", folder / "logs"
        run.command("report", settings=settings, plan=plan, model=model, logs=logs, out=out)
        return out

    return write
