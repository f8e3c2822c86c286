"""Files and folders that appear whole or not at all: temporary name, flush to disk, rename.

A temporary name is locked while its process lives. What is not locked was left by a process that
was killed, and is swept by the next that writes the same name; another that writes it now is left
in peace.
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
    """Open a temporary file beside `path` that takes its name when the block ends well.

    Raises
    ------
    UserError
        If the folder cannot be made or written to, or the disk is full. Nothing is left behind.
    """
    path = Path(path)
    with _named_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        temporary, lock = _make_part(path, folder=False)
        with open(lock, "w+b") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                # A private temporary file is made for the owner alone; a result is for the group.
                os.chmod(temporary, 0o666 & ~_umask())
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        sync(path.parent)


@contextmanager
def build_folder(path: Path) -> Iterator[Path]:
    """Make a temporary folder beside `path` that takes its place when the block ends well.

    An older folder is moved aside whole before it is deleted, so that no part of it is ever met
    under its name.

    Raises
    ------
    UserError
        As `write_atomically`.
    """
    with _named_errors(path):
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
    """Flush a file, or a folder's entries, so that they survive a crash of the machine."""
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
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written: {error.strerror or error}: "
            "check the folder's permissions and the free space"
        ) from error


def _make_part(path: Path, *, folder: bool) -> tuple[Path, int]:
    """Make a temporary file or folder beside `path`; locked until its descriptor is closed."""
    name = {"dir": path.parent, "prefix": f".{path.name}.", "suffix": ".part"}
    while True:
        if folder:
            part = tempfile.mkdtemp(**name)
            try:
                descriptor = os.open(part, os.O_RDONLY)
            except FileNotFoundError:
                continue  # swept before it was locked
        else:
            descriptor, part = tempfile.mkstemp(**name)
        with suppress(OSError):  # a file system without locks; there, nothing is swept either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.exists(part):
            return Path(part), descriptor
        os.close(descriptor)  # swept before it was locked


def sweep(path: Path) -> None:
    """Delete what killed processes left of `path`."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):  # gone, or of a process that lives, or of another user
            descriptor = os.open(part, os.O_RDONLY if part.is_dir() else os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if part.is_dir():
                    shutil.rmtree(part)
                else:
                    part.unlink()
            finally:
                os.close(descriptor)
