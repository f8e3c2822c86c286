"""Share work among processes that end together: if one fails or is killed, all end.

They are spawned, not forked: a fresh interpreter inherits no thread and no library's lock, and
takes 0.2 s, little compared with a block of tracks.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import Thread
from typing import Any, TypeVar, TypeVarTuple

from genometracks.common.stops import Stopped, exit_status
from genometracks.errors import UserError

Share = TypeVarTuple("Share")
Result = TypeVar("Result")


def run_side_by_side(
    work: Callable[[*Share], Result], shares: Sequence[tuple[*Share]]
) -> list[Result]:
    """Call `work(*share)` for every share, each in its own process; return the results in order.

    A single share runs in this process.

    Parameters
    ----------
    work : function
        Defined at the top level of a module, so that it can be pickled, as must its result.
    shares : sequence of tuple
        Arguments that can be pickled.

    Raises
    ------
    UserError
        The error of the first process that failed, raised after all have ended.
    Stopped
        If a process was ended by SIGTERM.
    """
    if len(shares) == 1:
        return [work(*shares[0])]
    context = multiprocessing.get_context("spawn")
    running: dict[Connection, tuple[int, SpawnProcess]] = {}
    results: dict[int, Result] = {}
    try:
        for number, share in enumerate(shares):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(sender, work, share), daemon=True)
            with _block_interrupts():
                process.start()
            sender.close()
            running[receiver] = number, process
        while running:
            # Ready: a process sent its answer, which may exceed a pipe's buffer, or it ended.
            ready = set(wait(list(running)))
            for receiver in [each for each in running if each in ready]:
                number, process = running[receiver]
                answer = _receive(receiver)
                process.join()
                del running[receiver]
                if isinstance(answer, UserError):
                    raise answer
                if process.exitcode or answer is None:
                    raise _explain(process.exitcode or 0)
                results[number] = answer[0]
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join()
    return [results[number] for number in range(len(shares))]


@contextmanager
def _block_interrupts() -> Iterator[None]:
    """Delay Ctrl-C until the block ends. A process that it starts never receives one.

    Ctrl-C reaches this process too, which ends its children without leaving half-written files.
    """
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _work(sender: Connection, work: Callable[[*Share], object], share: tuple[*Share]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(exit_status(signal.SIGTERM)))
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        sender.send((work(*share),))
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


def _receive(receiver: Connection) -> tuple[Any] | UserError | None:
    """The result of a process in a tuple, or its error; None if it ended without either."""
    try:
        answer: tuple[Any] | UserError = receiver.recv()
        return answer
    except (EOFError, OSError):
        return None


def _explain(status: int) -> UserError | Stopped:
    """An error that describes how a process ended."""
    if status in (-signal.SIGTERM, exit_status(signal.SIGTERM)):
        return Stopped(signal.SIGTERM)  # sent to all processes of a job, to this one last
    if status < 0:
        name = signal.Signals(-status).name
        reason = f"was killed ({name}): memory may be exhausted: lower output.threads"
    else:
        reason = f"ended with status {status}: its error is above"
    return UserError(f"a process {reason}")
