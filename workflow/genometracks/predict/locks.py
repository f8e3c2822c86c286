"""Lock files in folders that only their user can change. Needs no torch."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""Flags by which a folder is opened: never through a link."""
FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Flags by which a lock file is opened: never through a link, and without waiting for a pipe."""
OTHERS_USE, OTHERS_WRITE = 0o077, 0o022
"""Permissions that other users must not have."""


def list_folders() -> list[Path]:
    """List the folders of this user's lock files: one in the folder of temporary files, always.

    A second one is in XDG_RUNTIME_DIR, if this is a folder of the user's own. It does not replace
    the first one: the variable is set in a login session and not in a job of a scheduler, and the
    system deletes the folder at logout. Two jobs exclude each other if they share a folder.
    """
    folders = [Path(tempfile.gettempdir()) / f"genometracks-{os.geteuid()}"]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        with suppress(OSError):
            descriptor = os.open(runtime, FOLDER)
            try:
                _check(os.fstat(descriptor), runtime, forbidden=OTHERS_WRITE)
            finally:
                os.close(descriptor)
            folders.append(Path(runtime) / "genometracks")
    return folders


def lock(name: str, folders: Sequence[Path]) -> list[int]:
    """Lock the file of a name in each folder, for as long as the process lives.

    A folder is made if it does not exist. Folders that cannot be used are left out.

    Returns
    -------
    list of int
        Descriptors that hold the locks; empty if another process holds one of them.

    Raises
    ------
    OSError
        If no folder can be used. The message says why.
    """
    descriptors: list[int] = []
    problems: list[str] = []
    for folder in folders:
        try:
            descriptors.append(_lock(name, folder))
        except BlockingIOError:
            for descriptor in descriptors:
                os.close(descriptor)
            return []
        except OSError as error:
            problems.append(f"no lock in {folder}: {error.strerror or error}")
    if not descriptors:
        raise OSError("; ".join(problems))
    return descriptors


def _lock(name: str, folder: Path) -> int:
    """Lock a file and return its descriptor; BlockingIOError if another process holds the lock."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    _refuse_link(folder)
    place = os.open(folder, FOLDER)
    try:
        _check(os.fstat(place), folder, forbidden=OTHERS_USE)
        while True:
            _refuse_link(folder / name)
            descriptor = os.open(name, FILE, 0o600, dir_fd=place)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found = os.fstat(descriptor)
                if found.st_nlink:
                    _check(found, folder / name, forbidden=OTHERS_WRITE)
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # deleted before it was locked
    finally:
        os.close(place)


def _refuse_link(path: Path) -> None:
    """Explain why a link is not opened; the flags prevent it in any case."""
    if path.is_symlink():
        raise PermissionError(f"{path} is a link: delete it")


def _check(found: os.stat_result, path: str | Path, *, forbidden: int) -> None:
    """Refuse a file or folder that another user owns or may change."""
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")
    if found.st_mode & forbidden:
        mode = stat.S_IMODE(found.st_mode)
        raise PermissionError(f"{path} has mode {mode:o}: others may use it: chmod go-rwx {path}")
    if not stat.S_ISDIR(found.st_mode) and not (
        stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    ):
        raise PermissionError(f"{path} is not a plain file with one name: delete it")
