"""What people open of a run: page, track hub, session files; and the page of a sheet."""

import argparse
from pathlib import Path

from genometracks.commands.arguments import (
    Commands,
    add_command,
    add_fasta,
    add_out,
    add_plan,
    add_seal,
    add_settings,
    find_seal,
)
from genometracks.config.folders import RunFolder
from genometracks.config.settings import BrowseSettings


def add_commands(commands: Commands) -> None:
    """Add `reference`, `browse` and `sheet-page`."""
    parser = add_command(commands, "reference", run_reference)
    add_settings(parser, BrowseSettings)
    add_plan(parser)
    add_seal(parser)

    parser = add_command(commands, "browse", run_browse)
    add_settings(parser, BrowseSettings)
    add_plan(parser)
    add_fasta(parser)
    add_seal(parser)

    parser = add_command(commands, "sheet-page", run_sheet_page)
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    add_out(parser, "folder of the page to write")


def run_reference(args: argparse.Namespace) -> None:
    """Write what is shown beside the tracks: genes, sites, regions, observed tracks."""
    from genometracks.browse.reference.reference import write_reference
    from genometracks.browse.scene import check_scene
    from genometracks.export.seals import save_seals
    from genometracks.plan.plan import Plan

    plan, folder = Plan.load(args.plan), RunFolder.of_plan(args.plan)
    settings: BrowseSettings = args.settings
    check_scene(plan, settings)
    save_seals(find_seal(args), folder, write_reference(plan, folder, settings))


def run_browse(args: argparse.Namespace) -> None:
    """Write page, track hub and session files of a run."""
    from genometracks.browse.hub.hub import write_hub
    from genometracks.browse.hub.sessions import write_sessions
    from genometracks.browse.page.page import write_page
    from genometracks.browse.scene import BrowseInput, make_scene
    from genometracks.export.seals import save_seals
    from genometracks.plan.plan import Plan

    plan, folder = Plan.load(args.plan), RunFolder.of_plan(args.plan)
    settings: BrowseSettings = args.settings
    scene = make_scene(plan, folder, settings, fasta=args.fasta)
    seals = write_hub(scene) + write_sessions(scene) + write_page(scene)
    BrowseInput(settings, str(args.fasta)).save(folder.browsed)
    save_seals(find_seal(args), folder, seals)


def run_sheet_page(args: argparse.Namespace) -> None:
    """Write the page of all runs of a sheet."""
    from genometracks.browse.page.page import write_sheet_page
    from genometracks.browse.scene import BrowseInput, make_scene
    from genometracks.plan.plan import Plan

    scenes = []
    for folder in map(RunFolder, args.runs):
        given = BrowseInput.load(folder.browsed)
        plan = Plan.load(folder.plan)
        scenes.append(make_scene(plan, folder, given.settings, fasta=Path(given.fasta)))
    write_sheet_page(args.out, scenes)
