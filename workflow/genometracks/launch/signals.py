"""Signals that end `genometracks run`: passed on to Snakemake, which ends its jobs in order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from genometracks.common.stops import SIGNALS
from genometracks.launch.process import Snakemake


class Forwarded:
    """Signals that were passed on to a Snakemake.

    Attributes
    ----------
    number : int or None
        The first; None before it.
    again : bool
        Whether there was a second.
    """

    def __init__(self, process: Snakemake) -> None:
        self._process = process
        self.number: int | None = None
        self.again = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Interrupt Snakemake and its jobs; at a second signal, kill them."""
        first = self.number is None
        if first:
            self.number = number
        self.again = not first
        self._process.send(signal.SIGINT if first else signal.SIGKILL)


@contextmanager
def forward_signals(process: Snakemake) -> Iterator[Forwarded]:
    """Pass signals on to a Snakemake until the block ends.

    Signals that are ignored (`nohup`) stay ignored.
    """
    forwarded, former = Forwarded(process), {}
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            former[number] = signal.signal(number, forwarded.receive)
    try:
        yield forwarded
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
