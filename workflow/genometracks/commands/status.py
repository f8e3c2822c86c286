"""Progress of a run, or of all runs in a folder."""

import argparse
from pathlib import Path

from genometracks.commands.arguments import Commands, add_command
from genometracks.common.atomic import write_atomically


def add_commands(commands: Commands) -> None:
    """Add `status`."""
    parser = add_command(commands, "status", run_status)
    parser.add_argument("folder", type=Path, help="folder of a run, or of several runs")
    parser.add_argument("--json", type=Path, help="file to write the numbers to, as JSON")


def run_status(args: argparse.Namespace) -> None:
    """Report the progress of a run: shards done, running, failed; rate, time left, bytes."""
    from genometracks.status.lock import advise_unlock
    from genometracks.status.read import list_runs, read_status
    from genometracks.status.report import as_json, describe_runs, describe_status

    runs = list_runs(args.folder)
    if runs and not (args.folder / "work").is_dir():
        print(describe_runs(runs))
        return
    status = read_status(args.folder)
    print(describe_status(status))
    proved = any(job.progress for job in status.shards)  # a silent log may be of a killed job
    advice = None if proved else advise_unlock(args.folder)
    if advice:
        print(advice)
    if args.json:
        with write_atomically(args.json) as file:
            file.write(as_json(status).encode() + b"\n")
