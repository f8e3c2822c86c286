"""Files with a seal: size, SHA-256 and modification time, from the bytes that were written.

A seal never rests on what is read back alone. Bytes that are written in sequence are hashed as they
arrive. A file that is written out of sequence (the header of a bigWig is known last) is read once
before it gets its name, and every part is compared with a checksum of the bytes that were written.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError

BLOCK = 1 << 20
"""Bytes that are read at once."""


@dataclass(frozen=True)
class Seal:
    """A file as it was written.

    Attributes
    ----------
    path : Path
    bytes : int
    sha256 : str
    modified : int
        Modification time in nanoseconds since the epoch.
    """

    path: Path
    bytes: int
    sha256: str
    modified: int


class SealedFile(io.RawIOBase):
    """A binary file that hashes what is written to it.

    No byte may be written twice.

    Parameters
    ----------
    file : binary file
        Open for writing and reading, empty. It stays open.
    path : Path
        The name that the file will get.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self._position = 0
        self._parts = [_Part(0)]
        self._whole = hashlib.sha256()
        self._seal: Seal | None = None

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position at which the next byte is written."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an absolute position."""
        if whence != os.SEEK_SET:
            raise io.UnsupportedOperation("only absolute positions")
        if offset != self._position:
            self._position = self._file.seek(offset)
            self._parts.append(_Part(offset))
        return self._position

    def write(self, data: Any) -> int:
        """Write all bytes of an object with a buffer."""
        part, size = self._parts[-1], memoryview(data).nbytes
        self._file.write(data)
        if len(self._parts) == 1:
            self._whole.update(data)
        part.digest.update(data)
        part.bytes += size
        self._position += size
        return size

    @property
    def sealed(self) -> Seal:
        """The seal, after `seal`."""
        if self._seal is None:
            raise RuntimeError(f"{self._path} is not complete")
        return self._seal

    def seal(self) -> None:
        """Seal the file; nothing may be written after it.

        Raises
        ------
        UserError
            If the file does not contain what was written.
        """
        self._file.flush()
        state = os.fstat(self._file.fileno())
        if len(self._parts) > 1:
            self._whole = self._read_back()
        elif state.st_size != self._position:
            raise self._damaged()
        digest = self._whole.hexdigest()
        self._seal = Seal(self._path, state.st_size, digest, state.st_mtime_ns)

    def _read_back(self) -> "hashlib._Hash":
        """SHA-256 of the whole file, after a comparison of each part with its checksum."""
        parts = sorted((part for part in self._parts if part.bytes), key=lambda part: part.start)
        end = 0
        for part in parts:
            if part.start != end:
                raise RuntimeError(f"{self._path}: byte {end} was written twice or not at all")
            end += part.bytes
        whole = hashlib.sha256()
        self._file.seek(0)
        for part in parts:
            digest = xxhash.xxh3_64()
            for rest in range(part.bytes, 0, -BLOCK):
                block = self._file.read(min(BLOCK, rest))
                whole.update(block)
                digest.update(block)
            if digest.digest() != part.digest.digest():
                raise self._damaged()
        if self._file.read(1):
            raise self._damaged()
        return whole

    def _damaged(self) -> UserError:
        return UserError(
            f"{self._path}: the file does not contain what was written: the disk or the memory may "
            "be faulty: run again"
        )


class _Part:
    """Consecutive bytes of a file."""

    def __init__(self, start: int) -> None:
        self.start, self.bytes, self.digest = start, 0, xxhash.xxh3_64()


@contextmanager
def write_sealed(path: Path) -> Iterator[SealedFile]:
    """Write a file whole or not at all, as `write_atomically`, and seal it.

    After the block, `sealed` of the file is its seal.

    Raises
    ------
    UserError
        As `write_atomically`, or if the file does not contain what was written.

    Examples
    --------
    >>> with write_sealed(Path("result.txt")) as file:
    ...     _ = file.write(b"42")
    >>> file.sealed.bytes, file.sealed.sha256[:8]
    (2, '73475cb4')
    """
    with write_atomically(path) as temporary:
        file = SealedFile(temporary, path)
        yield file
        file.seal()


def digest_file(path: Path) -> str:
    """sha256 (hex) of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
