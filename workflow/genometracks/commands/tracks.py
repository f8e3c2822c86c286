"""The tracks: their table, bigWigs, Parquet."""

import argparse
from pathlib import Path

from genometracks.commands.arguments import (
    Commands,
    add_command,
    add_out,
    add_plan,
    add_processes,
    add_seal,
    add_settings,
    find_seal,
)
from genometracks.commands.merge import find_sidecars
from genometracks.config.folders import RunFolder
from genometracks.config.settings import TrackSettings


def add_commands(commands: Commands) -> None:
    """Add `tracks`, `bigwig` and `parquet`."""
    parser = add_command(commands, "tracks", run_tracks)
    add_settings(parser, TrackSettings)
    add_plan(parser)
    add_out(parser, "tracks.tsv to write")
    add_seal(parser)

    parser = add_command(commands, "bigwig", run_bigwig)
    add_plan(parser)
    parser.add_argument(
        "--rows",
        type=_parse_rows,
        default=slice(None),
        help="tracks to write, as first:last (half-open), in the order of tracks.tsv; default: all",
    )
    add_processes(parser)
    add_seal(parser)

    parser = add_command(commands, "parquet", run_parquet)
    add_plan(parser)
    add_processes(parser)
    add_out(parser, "folder to write")
    add_seal(parser)


def _parse_rows(text: str) -> slice:
    try:
        first, last = map(int, text.split(":"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not first:last") from error
    return slice(first, last)


def run_tracks(args: argparse.Namespace) -> None:
    """Write tracks.tsv."""
    from genometracks.export.bigwigs import check_lengths
    from genometracks.export.seals import save_seals
    from genometracks.plan.plan import Plan
    from genometracks.tracks.table import write_tracks

    settings: TrackSettings = args.settings
    plan, suffix = Plan.load(args.plan), ".bw" if settings.bigwig else ""
    if settings.bigwig:
        check_lengths(plan.lengths)
    seal = write_tracks(plan.tracks, args.out, suffix=suffix)
    save_seals(find_seal(args), RunFolder.of_plan(args.plan), [seal])


def run_bigwig(args: argparse.Namespace) -> None:
    """Write one bigWig per track, for all or some tracks, to the run's folder bigwig."""
    from genometracks.export.bigwigs import write_bigwigs
    from genometracks.export.seals import save_seals
    from genometracks.plan.plan import Plan

    plan, folder = Plan.load(args.plan), RunFolder.of_plan(args.plan)
    seals = write_bigwigs(
        plan,
        folder.shards,
        folder.bigwig,
        sidecars=find_sidecars(plan, folder),
        rows=range(len(plan.tracks))[args.rows],
        processes=args.threads,
    )
    save_seals(find_seal(args), folder, seals)


def run_parquet(args: argparse.Namespace) -> None:
    """Write the Parquet data set."""
    from genometracks.export.parquet import write_parquet
    from genometracks.export.seals import save_seals
    from genometracks.plan.plan import Plan

    plan, folder = Plan.load(args.plan), RunFolder.of_plan(args.plan)
    out: Path = args.out
    sidecars = find_sidecars(plan, folder)
    run, processes = folder.path.absolute().name, args.threads
    seals = write_parquet(plan, folder.shards, out, sidecars=sidecars, run=run, processes=processes)
    save_seals(find_seal(args), folder, seals)
