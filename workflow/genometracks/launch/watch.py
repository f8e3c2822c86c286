"""What is seen of a running Snakemake: jobs, notes and errors, shown as they come."""

from pathlib import Path

from genometracks.launch import slurm
from genometracks.launch.display import Display
from genometracks.launch.events import Event
from genometracks.launch.jobs import Jobs, Task
from genometracks.launch.project import Project
from genometracks.launch.view import Views
from genometracks.status.outcome import Outcome, read_outcome

SHOWN = 20
"""Failed jobs, and notes, that are shown at most."""


class Watched:
    """What was seen of a Snakemake.

    Parameters
    ----------
    project : Project

    Attributes
    ----------
    jobs : Jobs
    errors : list of str
        Errors of Snakemake itself.
    queue : str
        Name of its jobs on Slurm; "" if there are none.
    """

    def __init__(self, project: Project) -> None:
        folders = {name: run.folder.path for name, run in project.runs.items()}
        self.jobs = Jobs(folders)
        self.errors: list[str] = []
        self.queue = ""
        self._views = Views(folders, self.jobs)
        self._notes: set[tuple[str | None, str]] = set()
        self._failures = 0

    def take(self, event: Event, display: Display, *, stopping: bool) -> None:
        """Take note of an event; show notes of jobs and, unless the run is stopping, failures."""
        task = self.jobs.update(event)
        if event.kind == "error" and event.text:
            self.errors.append(event.text)
        if event.kind == "queue":
            self.queue = event.text
        if task and event.kind in ("finished", "failed"):
            self._show_notes(task, display)
        if task and event.kind == "failed" and not stopping:
            self._show_failure(task, event, display)
        if event.kind == "started":
            if task and task.attempt > 1:
                display.write(f"again: {name_task(task)}: attempt {task.attempt}")
            self.show(display)

    def show(self, display: Display) -> None:
        """Show the progress of the runs."""
        display.show(self._views.read(), list(self._views.list_shared()))

    def _show_notes(self, task: Task, display: Display) -> None:
        """Show the notes of a job's log that were not shown for its run before."""
        for note in read_outcome(task.log).notes if task.log else ():
            if (task.run, note) in self._notes:
                continue
            self._notes.add((task.run, note))
            if len(self._notes) <= SHOWN:
                display.write(f"note: {name_task(task)}: {note}")
            elif len(self._notes) == SHOWN + 1:
                display.write("note: there are more notes: see the logs of the runs")

    def _show_failure(self, task: Task, event: Event, display: Display) -> None:
        self._failures += 1
        if self._failures <= SHOWN:
            display.write(f"failed: {name_task(task)}: {describe_failure(task, event)}")
        elif self._failures == SHOWN + 1:
            display.write("failed: there are more: see `genometracks status`")


def name_task(task: Task) -> str:
    """The run, if the task is of one, and the task."""
    return f"{task.run}: {task.name}" if task.run else task.name


def describe_failure(task: Task, event: Event) -> str:
    """Why a job failed, by its log or by what Slurm says, and where the logs are."""
    logs = [str(log) for log in [task.log] if log] + [_shorten(log) for log in event.logs[1:]]
    where = f" ({', '.join(logs)})" if logs else ""
    found = read_outcome(task.log) if task.log and task.has_log else Outcome(())
    said = slurm.describe_failure(event.text)
    if found.error and (not said or said.endswith("FAILED")):
        return f"{found.error}{where}"
    if said:  # its own last words, after a signal, would not say that its time was up
        return f"{said}{where}"
    if task.log is None:
        return f"it has no log: see Snakemake's output{where}"
    last = f"; the last line of its log: {found.last}" if found.last else ""
    return f"ended without an error, as a job that is killed for its memory does{last}{where}"


def _shorten(log: str) -> str:
    """A path of Slurm's log, relative to the current folder if it is in it."""
    path = Path(log)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
