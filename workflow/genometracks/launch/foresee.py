"""What Snakemake would run, by a dry run of it, and why."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from genometracks.errors import UserError
from genometracks.explain.explain import explain_runs
from genometracks.explain.jobs import PlannedJob
from genometracks.launch.events import Event
from genometracks.launch.jobs import name_task
from genometracks.launch.process import Snakemake
from genometracks.launch.project import Project
from genometracks.launch.workflow import describe_error


def explain_project(project: Project, words: Sequence[str]) -> str:
    """Explain which stages of a config's runs would run, and why.

    Parameters
    ----------
    project : Project
    words : sequence of str
        Arguments of Snakemake's command line, from `write_arguments`.

    Raises
    ------
    UserError
        If Snakemake finds an error.
    """
    return explain_runs(list(project.runs.values()), list(_list_jobs(project, words)))


def _list_jobs(project: Project, words: Sequence[str]) -> Iterator[PlannedJob]:
    """Yield the jobs that Snakemake would run."""
    errors, users = [], _list_users(project)
    with tempfile.TemporaryDirectory(prefix="genometracks-") as folder:
        log = Path(folder) / "snakemake.log"
        process = Snakemake([*words, "--dry-run"], log=log)
        try:
            for event in process.watch(1.0):
                if event and event.kind == "error":
                    errors.append(event.text)
                elif event and event.kind == "started" and event.logs:
                    yield _describe_job(users, event)
        finally:
            process.interrupt()
        if process.wait():
            raise UserError(f"Snakemake: {describe_error(errors, log)}")


def _list_users(project: Project) -> dict[Path, tuple[str, ...]]:
    """Folder of a run, genome or model -> the runs that use it."""
    users: dict[Path, tuple[str, ...]] = {}
    for name, run in project.runs.items():
        for folder in {run.folder.path, run.genome.path, run.model.path}:
            users[folder] = (*users.get(folder, ()), name)
    return users


def _describe_job(users: Mapping[Path, tuple[str, ...]], event: Event) -> PlannedJob:
    log = Path(event.logs[0])
    runs = (name for folder in log.parents for name in users.get(folder, ()))
    task = name_task(None, log)
    return PlannedJob(tuple(dict.fromkeys(runs)), task.stage, task.part, event.text)
