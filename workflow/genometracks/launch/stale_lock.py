"""Snakemake's lock of a folder, removed after proof that the Snakemake that made it is dead.

Snakemake lists the files of a running workflow in `.snakemake/locks`, and leaves the lists behind
when it is killed. They do not say which process made them.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from genometracks.common.identity import Process
from genometracks.errors import UserError
from genometracks.launch.lock import HeldRuns
from genometracks.status.lock import find_locks, find_snakemakes

LOCAL = frozenset(
    "ext2 ext3 ext4 xfs btrfs zfs f2fs tmpfs ramfs overlay apfs hfs jfs reiserfs bcachefs".split()
)
"""Types of file systems of one machine."""
MOUNTS = Path("/proc/self/mountinfo")


def remove_stale_lock(folders: Sequence[Path], held: HeldRuns) -> list[Path]:
    """Remove locks that a dead Snakemake left on the runs of this process.

    Parameters
    ----------
    folders : sequence of Path
        Folders of the runs, and those that they share.
    held : HeldRuns
        The runs' own locks, which this process holds: no other `genometracks run` works on them.

    Returns
    -------
    list of Path
        Files of the locks that were removed.

    Raises
    ------
    UserError
        If the Snakemake that made the lock lives, or may live where this process cannot see it.
    """
    locks = find_locks(folders)
    if not locks:
        return []
    here = Path.cwd()
    users = find_snakemakes(here)
    if users:
        raise UserError(
            f"{here}: another Snakemake (process {users[0]}) works on this run: wait until it ends"
        )
    doubt = _find_doubt(locks, here, held)
    if doubt:
        raise UserError(
            f"{here}/.snakemake/locks: Snakemake's lock of this run may be that of a Snakemake "
            f"{doubt}: if none runs, remove it: rm {' '.join(map(str, locks))}"
        )
    for lock in locks:
        with suppress(FileNotFoundError):
            lock.unlink()
    return locks


def _find_doubt(locks: Sequence[Path], here: Path, held: HeldRuns) -> str | None:
    """Where a Snakemake that holds the locks may run unseen; None if there is no such place."""
    if any(lock.stat().st_uid != os.getuid() for lock in locks):
        return "of another user"
    if not Path("/proc/self/cmdline").exists():
        return "that this system does not show"
    if _is_local(here) or all(_is_dead(each.process) for each in held.former) and held.former:
        return None
    return "on another host"


def _is_dead(process: Process) -> bool:
    """Whether it is known that a process has ended."""
    return process.lives is False


def _is_local(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether a folder is on a file system of this machine alone."""
    best, kind = -1, ""
    with suppress(OSError, ValueError, IndexError):
        for line in mounts.read_text().splitlines():
            before, after = line.split(" - ", 1)
            point = Path(before.split()[4].encode().decode("unicode_escape"))
            if folder.is_relative_to(point) and len(point.parts) >= best:
                best, kind = len(point.parts), after.split()[0]
    return kind in LOCAL
