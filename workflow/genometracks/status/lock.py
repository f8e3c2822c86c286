"""Snakemake's lock of a folder, which it leaves behind when it is killed."""

import os
from contextlib import suppress
from pathlib import Path

LOCKS = Path(".snakemake/locks")
ADVICE = (
    "Snakemake was killed and left its lock: if no other Snakemake runs here, "
    "run `snakemake --unlock` with the same options first"
)


def advise_unlock(folder: Path) -> str | None:
    """Advice to remove the lock of a run that no Snakemake holds; None if there is none.

    Only the lock of a Snakemake that was started in the current folder is found.
    """
    return ADVICE if _is_locked(folder) and not _is_used(Path.cwd()) else None


def _is_locked(folder: Path) -> bool:
    """Whether a lock lists a file of a folder."""
    starts = tuple({os.path.abspath(folder) + os.sep, os.path.realpath(folder) + os.sep})
    for lock in sorted(LOCKS.glob("*.lock")):
        with suppress(OSError), open(lock, errors="replace") as file:
            if any(os.path.abspath(line.rstrip("\n")).startswith(starts) for line in file):
                return True
    return False


def _is_used(home: Path) -> bool:
    """Whether a Snakemake that this user may see runs in a folder, on this machine."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if any(b"snakemake" in word for word in words[:4]):
                if Path(os.readlink(process / "cwd")) == home:
                    return True
    return False
