"""Share work among processes that end together: one that fails, or is killed, ends all.

They are spawned, not forked: a fresh interpreter inherits no thread and no lock of a library, and
takes 0.2 s, little beside a block of tracks.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread

from genometracks.errors import UserError


def run_side_by_side(work: Callable, shares: list[tuple]) -> None:
    """Call `work(*share)` for every share, each in a process of its own; one share needs none.

    Parameters
    ----------
    work : function of a module
    shares : list of tuple
        Arguments that can be pickled.

    Raises
    ------
    UserError
        That of the first process that failed, or with its message, when all have ended.
    """
    if len(shares) == 1:
        return work(*shares[0])
    context = multiprocessing.get_context("spawn")
    running: dict[int, tuple[BaseProcess, Connection]] = {}
    try:
        for share in shares:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(sender, work, share), daemon=True)
            process.start()
            sender.close()
            running[process.sentinel] = process, receiver
        while running:
            for sentinel in wait(list(running)):
                process, receiver = running.pop(sentinel)
                process.join()
                if process.exitcode:
                    raise _explain(process.exitcode, receiver)
    finally:
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            process.join()


def _work(sender: Connection, work: Callable, share: tuple) -> None:
    # Ctrl-C reaches the parent too, which ends its children; they then leave no half-written file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        work(*share)
    except (UserError, OSError) as error:
        sender.send(error if isinstance(error, UserError) else UserError(error))
        sys.exit(1)


def _end_with_parent() -> None:
    """A child whose parent was killed must not write on beside the next run."""
    multiprocessing.parent_process().join()
    os.kill(os.getpid(), signal.SIGTERM)


def _explain(status: int, receiver: Connection) -> UserError:
    try:
        if receiver.poll():
            return receiver.recv()
    except EOFError:
        pass
    if status < 0:
        name = signal.Signals(-status).name
        told = f"was killed ({name}): memory may be short: set output.threads lower"
    else:
        told = f"ended with status {status}: its error is above"
    return UserError(f"a process {told}")
