"""The model: its weights, and model.json."""

import argparse
import logging
from pathlib import Path

from genometracks.commands.arguments import Commands, add_command, add_out, add_settings
from genometracks.config.sections import ModelConfig
from genometracks.config.settings import Fold

LOG = logging.getLogger(__name__)


def add_commands(commands: Commands) -> None:
    """Add `weights` and `model`."""
    parser = add_command(commands, "weights", run_weights)
    add_settings(parser, Fold)
    add_out(parser)

    parser = add_command(commands, "model", run_model)
    add_settings(parser, ModelConfig)
    parser.add_argument("--weights", type=Path, nargs="+", help="local files of the weights")
    add_out(parser)


def run_weights(args: argparse.Namespace) -> None:
    """Fetch a model's weights from the hub; record their commit and digest."""
    from genometracks.inputs.fetch import fetch_weights

    settings: Fold = args.settings
    found = fetch_weights(settings.weights, args.out, sha256=settings.sha256)
    LOG.info(f"{found.bytes:,} bytes of commit {found.revision}")


def run_model(args: argparse.Namespace) -> None:
    """Load and measure a model; write model.json."""
    from genometracks.inputs.model import describe_model

    settings: ModelConfig = args.settings
    described = describe_model(settings, weights=args.weights)
    described.save(args.out)
    geometry, tracks = described.geometry, described.tracks
    bins = f"{geometry.length} bins of {geometry.bin} bp" if geometry.bin else "one value"
    LOG.info(f"{len(tracks)} tracks; {geometry.window} bp in, {bins} out")
