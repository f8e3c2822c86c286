"""Signals that end a job become one exception, so that the job removes its temporary files."""

import _thread
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 20.0
"""Seconds after which a job that still has not ended is ended at once. Slurm waits for 30 s."""
INTERRUPTED, ENDED = "interrupted", "ended by "


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(describe_stop(number))
        self.number = number


class Stop:
    """The signal that asked this process to end, if any."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._number: int | None = None
        self._over = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Raise `Stopped` for the first signal; ignore others, which would disturb the cleaning."""
        if self._number is not None:
            return
        self._number = number
        # The code that is interrupted may catch the exception, or wait for something. This is not
        # a `Thread`, whose start could wait for a lock that this code holds.
        _thread.start_new_thread(self._end_late, ())
        raise Stopped(number)

    def find(self, error: BaseException) -> int | None:
        """The signal that led to an error; None if no signal did.

        A module that is interrupted while it is imported may raise any error.
        """
        if self._number is None and isinstance(error, KeyboardInterrupt):
            return error.number if isinstance(error, Stopped) else signal.SIGINT
        return self._number

    def end(self) -> None:
        """Declare that the job has ended."""
        self._over = True

    def _end_late(self) -> None:
        time.sleep(GRACE)
        if not self._over and self._number:
            os.write(2, f"{self._prefix}{describe_stop(self._number)}\n".encode())
            os._exit(exit_status(self._number))


@contextmanager
def raise_on_signals(prefix: str) -> Iterator[Stop]:
    """Raise `Stopped` in the main thread when a signal asks this process to end.

    Signals that are ignored (`nohup`) stay ignored. The former handlers are restored at the end.

    Parameters
    ----------
    prefix : str
        Begins the line that is written if the process has to be ended while it ignores `Stopped`.
    """
    stop, former = Stop(prefix), {}
    if current_thread() is main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                former[number] = signal.signal(number, stop.receive)
    try:
        yield stop
    finally:
        stop.end()
        for number, handler in former.items():
            signal.signal(number, handler)


def exit_status(number: int) -> int:
    """Exit status of a process that a signal ended, as in a shell."""
    return 128 + number


def describe_stop(number: int) -> str:
    """Describe which signal ended a job; `is_stop` recognises the text."""
    what = INTERRUPTED if number == signal.SIGINT else ENDED + signal.Signals(number).name
    return f"{what}: run again to continue"


def is_stop(text: str) -> bool:
    """Whether a text was written by `describe_stop`."""
    return text.startswith((f"{INTERRUPTED}: ", f"{ENDED}SIG"))


def exit_now(status: int) -> NoReturn:
    """End this process; the interpreter would wait for threads that still compute, or crash."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # what was printed is lost: a full disk, or nobody reads it
            status = status or 1
    os._exit(status)


def prepare_exit() -> None:
    """Let signals end this process without a traceback while the interpreter shuts down."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
