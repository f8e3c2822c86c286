"""Files and folders that appear whole or not at all: temporary name, flush to disk, rename.

A temporary file is locked while its process lives. An unlocked one was left by a process that was
killed; the next process that writes the same name deletes it. One that another process is writing
now is not touched.
"""

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from genometracks.errors import UserError


@contextmanager
def write_atomically(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`, renamed to `path` if the block ends without an error.

    Parameters
    ----------
    path : str or Path
        Its folder is made if it does not exist.

    Raises
    ------
    UserError
        If the folder cannot be made or written to, or the disk is full. Nothing is left behind.

    Examples
    --------
    >>> with write_atomically("result.txt") as file:
    ...     _ = file.write(b"42")
    >>> Path("result.txt").read_text()
    '42'
    """
    path = Path(path)
    with _report_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        temporary, lock = _make_part(path, folder=False)
        with open(lock, "w+b") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                # Temporary files are private to their owner; results get the usual permissions.
                os.chmod(temporary, 0o666 & ~_umask())
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        sync(path.parent)


@contextmanager
def build_folder(path: Path) -> Iterator[Path]:
    """Make a temporary folder, renamed to `path` if the block ends without an error.

    An existing folder is renamed before it is deleted, so that `path` never holds a part of it.

    Parameters
    ----------
    path : Path
        Its parent is made if it does not exist.

    Raises
    ------
    UserError
        As `write_atomically`.

    Examples
    --------
    >>> with build_folder(Path("results")) as building:
    ...     _ = (building / "a.txt").write_text("42")
    >>> [path.name for path in Path("results").iterdir()]
    ['a.txt']
    """
    with _report_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        (building, lock), (older, other_lock) = (_make_part(path, folder=True) for _ in range(2))
        try:
            yield building
            for entry in building.rglob("*"):
                sync(entry)
            building.chmod(0o777 & ~_umask())
            if path.exists():
                os.rename(path, older)
            os.rename(building, path)
            sync(path.parent)
        finally:
            for part, descriptor in ((building, lock), (older, other_lock)):
                shutil.rmtree(part, ignore_errors=True)
                os.close(descriptor)


def sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to disk, so that they survive a system crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _report_errors(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one that names `path`."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written: {error.strerror or error}: "
            "check the folder's permissions and the free space"
        ) from error


def _make_part(path: Path, *, folder: bool) -> tuple[Path, int]:
    """Make a temporary file or folder beside `path`; locked until its descriptor is closed."""
    prefix, suffix = f".{path.name}.", ".part"
    while True:
        if folder:
            part = tempfile.mkdtemp(suffix, prefix, path.parent)
            try:
                descriptor = os.open(part, os.O_RDONLY)
            except FileNotFoundError:
                continue  # swept before it was locked
        else:
            descriptor, part = tempfile.mkstemp(suffix, prefix, path.parent)
        with suppress(OSError):  # a file system without locks, on which `sweep` deletes nothing
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.exists(part):
            return Path(part), descriptor
        os.close(descriptor)  # swept before it was locked


def sweep(path: Path) -> None:
    """Delete the temporary files and folders of `path` that killed processes left behind."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):  # deleted already, locked by a live process, or another user's
            descriptor = os.open(part, os.O_RDONLY if part.is_dir() else os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if part.is_dir():
                    shutil.rmtree(part)
                else:
                    part.unlink()
            finally:
                os.close(descriptor)
