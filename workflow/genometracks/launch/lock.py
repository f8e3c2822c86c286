"""Locks of runs: one `genometracks run` at a time works on a run, and dead locks are recognised.

The lock of a run is `work/run.lock`, locked by the kernel (flock), which releases it when the
processes that hold it end, however they end: `genometracks run` and the Snakemake that it started.
The file names the process that locked it last, for messages and as proof: Snakemake's own lock does
not say who made it.
"""

import fcntl
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from genometracks.common.identity import Process
from genometracks.common.records import format_record, optional, parse_record
from genometracks.config.folders import RunFolder
from genometracks.errors import UserError

LARGEST = 1 << 16
"""Bytes of the largest lock file that is read."""
GRACE = 30.0
"""Seconds that the jobs of a killed run have to end, before the next one gives up."""


@dataclass(frozen=True)
class Holder:
    """The process that locked a run.

    Attributes
    ----------
    host : str
    process : Process
    since : str
        Local time.
    queues : tuple of str
        Names that jobs on Slurm have: its own, and those that an earlier process left.
    """

    host: str
    process: Process
    since: str
    queues: tuple[str, ...] = optional(())

    @classmethod
    def of_caller(cls) -> "Holder":
        """This process."""
        now = datetime.now().isoformat(" ", "seconds")
        return cls(socket.gethostname(), Process.of_caller(), now)


@dataclass(frozen=True)
class HeldRuns:
    """Runs that this process has locked.

    Attributes
    ----------
    descriptors : tuple of int
        Open files of the locks.
    former : tuple of Holder
        The processes that locked the runs before, where they are known.
    """

    descriptors: tuple[int, ...]
    former: tuple[Holder, ...]

    def sign(self, *queues: str) -> None:
        """Write this process into the locks, with the names that jobs on Slurm have."""
        text = format_record(replace(Holder.of_caller(), queues=queues)).encode() + b"\n"
        for descriptor in self.descriptors:
            with suppress(OSError):  # a full disk: only messages lack the name
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, text, 0)


@contextmanager
def hold_runs(folders: Sequence[RunFolder]) -> Iterator[HeldRuns]:
    """Lock runs until the block ends.

    Raises
    ------
    UserError
        If another process holds the lock of a run.
    """
    with ExitStack() as stack:
        descriptors, former = [], []
        for folder in folders:
            descriptor = _open_lock(folder)
            stack.callback(os.close, descriptor)
            holder = _read_holder(descriptor)
            if not _lock(descriptor) and not _wait_for_end(descriptor, holder):
                raise UserError(
                    f"{folder.path}: this run is in progress{_describe(holder)}: wait until it "
                    f"ends, or see `genometracks status {folder.path}`"
                )
            descriptors.append(descriptor)
            former += [holder] if holder else []
        held = HeldRuns(tuple(descriptors), tuple(former))
        held.sign(*dict.fromkeys(queue for holder in former for queue in holder.queues))
        yield held


def _open_lock(folder: RunFolder) -> int:
    path = folder.lock
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written: {error.strerror}: check results and its permissions"
        ) from error


def _lock(descriptor: int) -> bool:
    """Lock a file; False if another process holds it. A file system may know no such locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _wait_for_end(descriptor: int, holder: Holder | None) -> bool:
    """Lock a file whose holder was killed, once the jobs that it left have ended."""
    end = time.monotonic() + GRACE
    while holder and holder.process.lives is False and time.monotonic() < end:
        time.sleep(0.1)
        if _lock(descriptor):
            return True
    return False


def _read_holder(descriptor: int) -> Holder | None:
    try:
        return parse_record(Holder, os.pread(descriptor, LARGEST, 0).decode())
    except (OSError, ValueError, TypeError):
        return None


def _describe(holder: Holder | None) -> str:
    if holder is None:
        return ""
    where = f"process {holder.process.pid} on {holder.host}"
    shown = "".join(char if char.isprintable() else "?" for char in f"{where} since {holder.since}")
    return f" ({shown})"
