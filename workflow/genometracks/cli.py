# PYTHON_ARGCOMPLETE_OK
"""Entry point of the command line: runs one command, and reports an error as one line on stderr."""

import argparse
import logging
import sys

from genometracks.common.logs import error_prefix
from genometracks.common.stops import (
    Stop,
    describe_stop,
    exit_now,
    exit_status,
    prepare_exit,
    raise_on_signals,
)

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
        Exit status: 0 on success, 1 after an error that is reported to the user, 128 plus the
        number of the signal that ended the command (130 after Ctrl-C, 143 after SIGTERM).
    """
    words = sys.argv[1:] if argv is None else argv
    prefix = error_prefix("".join(words[:1]))
    with raise_on_signals(prefix) as stop:
        try:
            status = _report(words, stop)
        except BaseException as error:
            number = stop.find(error)
            if number is None:
                raise
            print(f"{prefix}{describe_stop(number)}", file=sys.stderr)
            status = exit_status(number)
            if argv is None:
                exit_now(status)  # here, where the error still keeps generators from closing
    if argv is None:
        prepare_exit()
    return status


def _report(words: list[str], stop: Stop) -> int:
    """Run a command and report its error, except that of a signal; return the exit status."""
    # Imported here, where a signal does not lead to a traceback.
    from genometracks.commands.merge import withdraw_proof
    from genometracks.commands.table import parse_words
    from genometracks.common.logs import log_to_stderr
    from genometracks.config.folders import RunFolder
    from genometracks.errors import ShardError, UserError
    from grelu_models.errors import ModelError

    args = parse_words(words)
    with log_to_stderr(args.command):
        try:
            _run(args)
        except BaseException as error:
            expected = isinstance(error, UserError | ModelError | OSError)
            if not expected or stop.find(error) is not None:
                raise
            if isinstance(error, ShardError):
                withdraw_proof(RunFolder.of_plan(args.plan))
            LOG.error(error)
            return 1
    return 0


def _run(args: argparse.Namespace) -> None:
    """Run a command; stages log when they start and finish, for `status` and the summary."""
    from genometracks.common.logs import format_event
    from genometracks.common.memory import read_peak
    from genometracks.config.stages import STAGES

    if args.command not in STAGES:
        args.function(args)
        return
    LOG.info(format_event("started", args.command))
    args.function(args)
    peak = f"peak {read_peak() / 1e6:,.0f} MB"
    LOG.info(f"{format_event('finished', args.command)} {peak}")


if __name__ == "__main__":
    sys.exit(main())
