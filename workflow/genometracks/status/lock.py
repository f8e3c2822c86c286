"""Snakemake's lock of a folder, which it leaves behind when it is killed."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

LOCKS = Path(".snakemake/locks")
ADVICE = (
    "Snakemake was killed and left its lock: if no other Snakemake runs here, "
    "run `snakemake --unlock` with the same options first; `genometracks run` removes it itself"
)


def advise_unlock(folder: Path) -> str | None:
    """Advice to remove the lock of a run that no Snakemake holds; None if there is none.

    Only the lock of a Snakemake that was started in the current folder is found.
    """
    return ADVICE if find_locks([folder]) and not find_users(Path.cwd()) else None


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


def find_users(home: Path) -> list[int]:
    """Processes that run Snakemake in a folder, of those on this machine that this user may see."""
    return sorted(_list_users(home))


def _list_users(home: Path) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if _is_snakemake(words) and Path(os.readlink(process / "cwd")) == home:
                yield int(process.name)


def _is_snakemake(words: Sequence[bytes]) -> bool:
    """Whether a command line starts Snakemake, by itself or through `genometracks run`."""
    names = [os.path.basename(word) for word in words[:6]]
    ours = any(
        name in (b"genometracks", b"cli.py", b"genometracks.cli") and after == b"run"
        for name, after in zip(names, names[1:], strict=False)
    )
    return ours or b"snakemake" in names
