"""The last lines of a run: what was written, and how to look at it."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from genometracks.common.units import format_count, format_duration, format_si
from genometracks.config.folders import PAGE, REPORT
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
        lines += _list_ways(above)
        lines += [
            f"  {line}" for line in describe_runs([f.path for f in project.folders]).split("\n")
        ]
        return "\n".join(lines)
    (run,) = project.runs.values()
    folder = run.folder.path
    return "\n".join([f"{folder}: {took}", *_list_ways(folder), *_list_written(run)])


def _list_ways(folder: Path) -> Iterator[str]:
    """Yield how to look at the results, as far as they exist."""
    if (folder / PAGE / "index.html").is_file():
        yield _row("page", f"open it by: {shlex.join(['genometracks', 'serve', str(folder)])}")
    if (folder / REPORT).is_file():
        yield _row("report", f"{folder / REPORT}, for a browser")


def _list_written(run: Run) -> Iterator[str]:
    """Yield a line for each kind of result."""
    folder = run.folder
    bigwigs = [Path(file) for file in run.results.files if file.endswith(".bw")]
    if bigwigs:
        yield _row(
            "bigWig", f"{folder.bigwig}/: {format_count(len(bigwigs), 'file')}, {_size(bigwigs)}"
        )
    if str(folder.parquet) in run.results.files:
        parts = [path for path in folder.parquet.rglob("*.parquet") if path.is_file()]
        yield _row("Parquet", f"{folder.parquet}/: one table of all tracks, {_size(parts)}")
    yield _row("tracks", f"{folder.tracks}: names and metadata")
    if str(folder.evaluation) in run.results.files:
        yield _row("evaluation", f"{folder.evaluation}, pictures in {folder.figures}/")
    if str(folder.hub) in run.results.files:
        yield _row("hub", f"{folder.hub}/: for UCSC, IGV and JBrowse")
    yield _row("summary", f"{folder.summary}: the run in a few lines")
    yield _row("manifest", f"{folder.manifest}: everything needed to repeat the run")


def _row(what: str, text: str) -> str:
    return f"  {what:<10}  {text}"


def _size(paths: Sequence[Path]) -> str:
    return f"{format_si(sum(path.stat().st_size for path in paths if path.is_file()))}B"
