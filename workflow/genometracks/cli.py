"""Entry point of the command line: runs one command, and reports an error as one line on stderr."""

import argparse
import logging
import sys

from genometracks.commands.merge import withdraw_proof
from genometracks.commands.table import make_parser
from genometracks.common.logs import format_event, log_to_stderr
from genometracks.common.memory import read_peak
from genometracks.config.folders import RunFolder
from genometracks.config.stages import STAGES
from genometracks.errors import ShardError, UserError
from grelu_models.errors import ModelError

LOG = logging.getLogger("genometracks")  # by name: this module may be `__main__`


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : list of str, optional
        The command's name and arguments. Default is None: the arguments of this process.

    Returns
    -------
    int
        Exit status: 0 on success, 1 after an error that is reported to the user.
    """
    args = make_parser().parse_args(argv)
    with log_to_stderr(args.command):
        try:
            _run(args)
        except (UserError, ModelError, OSError) as error:
            if isinstance(error, ShardError):
                withdraw_proof(RunFolder.of_plan(args.plan))
            LOG.error(error)
            return 1
    return 0


def _run(args: argparse.Namespace) -> None:
    """Run a command; stages log when they start and finish, for `status` and the summary."""
    if args.command not in STAGES:
        args.function(args)
        return
    LOG.info(format_event("started", args.command))
    args.function(args)
    peak = f"peak {read_peak() / 1e6:,.0f} MB"
    LOG.info(f"{format_event('finished', args.command)} {peak}")


if __name__ == "__main__":
    sys.exit(main())
