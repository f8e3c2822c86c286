"""The command line: one command a stage. Files in, files out; errors in one line."""

import argparse
import sys
from datetime import datetime

from genometracks.commands import prepare as before
from genometracks.commands import produce as after
from genometracks.commands.parser import make_parser
from genometracks.common.atomic import write_atomically
from genometracks.common.memory import read_peak
from genometracks.errors import ShardError, UserError
from grelu_models.errors import ModelError


def run_preflight(args: argparse.Namespace) -> None:
    """Tell what a run would take, before it is started: windows, bytes, hours, memory."""
    from genometracks.preflight.measure import preflight

    print(preflight(args.config, name=args.run, json_to=args.json))


def run_status(args: argparse.Namespace) -> None:
    """Tell how a run gets on: shards done, running and failed, rate, time left, bytes."""
    from genometracks.status.read import as_json, list_runs, read_status
    from genometracks.status.report import describe_runs, describe_status

    runs = list_runs(args.folder)
    if runs and not (args.folder / "work").is_dir():
        print(describe_runs(runs))
        return
    status = read_status(args.folder)
    print(describe_status(status))
    if args.json:
        with write_atomically(args.json) as file:
            file.write(as_json(status).encode() + b"\n")


TYPED = ("preflight", "status")
COMMANDS = {
    "preflight": (run_preflight, ["config", "run", "json"]),
    "status": (run_status, ["folder", "json"]),
    "weights": (before.run_weights, ["settings", "out"]),
    "download": (before.run_download, ["settings", "out"]),
    "model": (before.run_model, ["settings", "weights", "out"]),
    "genome": (before.run_genome, ["settings", "fasta", "out"]),
    "probe": (
        before.run_probe,
        ["settings", "model", "genome", "fasta", "device", "threads", "out"],
    ),
    "plan": (before.run_plan, ["settings", "model", "genome", "probe", "out"]),
    "shards": (before.run_shards, ["plan", "out"]),
    "tracks": (before.run_tracks, ["settings", "plan", "out"]),
    "observed": (before.run_observed, ["settings", "plan", "out"]),
    "predict": (after.run_predict, ["plan", "shard", "fasta", "device", "threads"]),
    "merge": (after.run_merge, ["plan", "out"]),
    "bigwig": (after.run_bigwig, ["plan", "rows", "threads"]),
    "parquet": (after.run_parquet, ["plan", "threads", "out"]),
    "evaluate": (after.run_evaluate, ["settings", "plan", "figures", "out"]),
    "manifest": (after.run_manifest, ["settings", "plan", "out"]),
    "summary": (after.run_summary, ["settings", "plan", "logs", "out"]),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 if it ended well, 1 with one line on stderr for bad input."""
    args = make_parser(COMMANDS, __doc__).parse_args(argv)
    _log("started", args.command)
    try:
        COMMANDS[args.command][0](args)
    except (UserError, ModelError, OSError) as error:
        print(f"genometracks {args.command}: {error}", file=sys.stderr)
        if isinstance(error, ShardError):  # so that the next run proves, and predicts, anew
            (args.plan.parent / "merge.json").unlink(missing_ok=True)
        return 1
    _log("finished", args.command, f"peak {read_peak() / 1e6:,.0f} MB")
    return 0


def _log(what: str, command: str, more: str = "") -> None:
    """A line of a stage's log; people who type a command need none."""
    if command in TYPED:
        return
    now = datetime.now().astimezone().isoformat(timespec="milliseconds")
    print(f"{now} {what} {command} {more}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
