"""Share work among processes that end together: if one fails or is killed, all end.

They are spawned, not forked: a fresh interpreter inherits no thread and no library's lock, and
takes 0.2 s, little compared with a block of tracks.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import Thread
from typing import TypeVarTuple

from genometracks.errors import UserError

Share = TypeVarTuple("Share")


def run_side_by_side(work: Callable[[*Share], None], shares: Sequence[tuple[*Share]]) -> None:
    """Call `work(*share)` for every share, each in its own process.

    A single share runs in this process.

    Parameters
    ----------
    work : function
        Defined at the top level of a module, so that it can be pickled.
    shares : sequence of tuple
        Arguments that can be pickled.

    Raises
    ------
    UserError
        The error of the first process that failed, raised after all have ended.
    """
    if len(shares) == 1:
        work(*shares[0])
        return
    context = multiprocessing.get_context("spawn")
    running: dict[int, tuple[SpawnProcess, Connection]] = {}
    try:
        for share in shares:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(sender, work, share), daemon=True)
            process.start()
            sender.close()
            running[process.sentinel] = process, receiver
        while running:
            ended = set(wait(list(running)))
            for sentinel in [each for each in running if each in ended]:
                process, receiver = running.pop(sentinel)
                process.join()
                if process.exitcode:
                    raise _explain(process.exitcode, receiver)
    finally:
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            process.join()


def _work(sender: Connection, work: Callable[[*Share], None], share: tuple[*Share]) -> None:
    # Ctrl-C reaches the parent too, which ends its children without leaving half-written files.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        work(*share)
    except (UserError, OSError) as error:
        sender.send(error if isinstance(error, UserError) else UserError(error))
        sys.exit(1)


def _end_with_parent() -> None:
    """End this process after its parent was killed, so that it does not interfere with a new run.

    SIGTERM, not an exit of this thread alone: the main thread then removes its temporary files.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "runs in a spawned process only"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _explain(status: int, receiver: Connection) -> UserError:
    """The error that a process sent before it ended, or one that describes its exit status."""
    try:
        if receiver.poll():
            error: UserError = receiver.recv()
            return error
    except EOFError:
        pass
    if status < 0:
        name = signal.Signals(-status).name
        reason = f"was killed ({name}): memory may be exhausted: lower output.threads"
    else:
        reason = f"ended with status {status}: its error is above"
    return UserError(f"a process {reason}")
