"""The last lines of a run: what was written, and how to look at it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from genometracks.common.units import format_duration, format_si
from genometracks.config.folders import PAGE
from genometracks.graph.runs import Run
from genometracks.launch.project import Project
from genometracks.status.report import describe_runs


def list_missing(run: Run) -> list[str]:
    """Files that a complete run has, and this one lacks."""
    files = [*run.results.files, str(run.folder.manifest), str(run.folder.summary)]
    return [file for file in files if not Path(file).exists()]


def describe_ending(project: Project, *, seconds: float, jobs: int) -> str:
    """Describe complete runs, in a block of lines.

    Parameters
    ----------
    project : Project
    seconds : float
        How long it took.
    jobs : int
        Number of jobs that ran; 0 if everything was complete before.
    """
    took = f"done in {format_duration(seconds)}" if jobs else "nothing to do: complete before"
    if project.sheet:
        above = project.folders[0].path.parent
        lines = [f"{above}: {len(project.runs):,} runs, {took}"]
        lines += [
            f"  {line}" for line in describe_runs([f.path for f in project.folders]).split("\n")
        ]
        folders = [above]
    else:
        (run,) = project.runs.values()
        lines = [f"{run.folder.path}: {took}", *_list_written(run)]
        folders = [run.folder.path]
    return "\n".join([*lines, *_list_ways(project, folders)])


def _list_written(run: Run) -> Iterator[str]:
    """Yield a line for each kind of result."""
    folder = run.folder
    bigwigs = [Path(file) for file in run.results.files if file.endswith(".bw")]
    if bigwigs:
        yield _row(f"{folder.bigwig}/", f"{len(bigwigs):,} bigWig files, {_size(bigwigs)}")
    if str(folder.parquet) in run.results.files:
        parts = [path for path in folder.parquet.rglob("*.parquet") if path.is_file()]
        yield _row(f"{folder.parquet}/", f"one table of all tracks, {_size(parts)}")
    yield _row(str(folder.tracks), "the tracks and their metadata")
    if str(folder.evaluation) in run.results.files:
        yield _row(str(folder.evaluation), f"evaluation; pictures in {folder.figures}/")
    if str(folder.hub) in run.results.files:
        yield _row(f"{folder.hub}/", "track hub, and sessions of other browsers")
    yield _row(str(folder.summary), "the run in a few lines")
    yield _row(str(folder.manifest), "everything needed to repeat it, with digests")


def _list_ways(project: Project, folders: Sequence[Path]) -> Iterator[str]:
    """Yield how to look at the results, as far as they exist."""
    for folder in folders:
        if (folder / PAGE / "index.html").is_file():
            yield _row(f"genometracks serve {folder}", "shows the tracks in a browser")
    for run in list(project.runs.values())[:1] if not project.sheet else ():
        if run.folder.report.is_file():
            yield _row(str(run.folder.report), "the report, for a browser")


def _row(what: str, meaning: str) -> str:
    return f"  {what:<40}  {meaning}"


def _size(paths: Sequence[Path]) -> str:
    return f"{format_si(sum(path.stat().st_size for path in paths if path.is_file()))}B"
