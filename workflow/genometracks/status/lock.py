"""Snakemake's lock of a folder, which it leaves behind when it is killed."""

import os
from collections.abc import Callable, Sequence
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
    here = Path.cwd()
    used = find_snakemakes(here) or find_runs(here)
    return ADVICE if find_locks([folder]) and not used else None


def find_locks(folders: Sequence[Path]) -> list[Path]:
    """Find the locks that list a file of one of some folders."""
    starts = tuple(
        {os.path.abspath(folder) + os.sep for folder in folders}
        | {os.path.realpath(folder) + os.sep for folder in folders}
    )
    return [lock for lock in sorted(LOCKS.glob("*.lock")) if _lists(lock, starts)]


def _lists(lock: Path, starts: tuple[str, ...]) -> bool:
    """Whether a lock lists a file whose path starts in one of some ways."""
    with suppress(OSError), open(lock, errors="replace") as file:
        return any(os.path.abspath(line.rstrip("\n")).startswith(starts) for line in file)
    return False


def find_snakemakes(home: Path) -> list[int]:
    """Snakemake processes in a folder, of those on this machine that this user may see."""
    return _find_processes(home, lambda names: b"snakemake" in names)


def find_runs(home: Path) -> list[int]:
    """Processes of `genometracks run` in a folder, like `find_snakemakes`."""
    return _find_processes(home, _is_run)


def _find_processes(home: Path, fits: Callable[[Sequence[bytes]], bool]) -> list[int]:
    """Processes in a folder whose command line fits; directories of programs are left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            names = [os.path.basename(word) for word in words[:6]]
            if fits(names) and Path(os.readlink(process / "cwd")) == home:
                found.append(int(process.name))
    return sorted(found)


def _is_run(names: Sequence[bytes]) -> bool:
    programs = (b"genometracks", b"cli.py", b"genometracks.cli")
    pairs = zip(names, names[1:], strict=False)
    return any(name in programs and after == b"run" for name, after in pairs)
