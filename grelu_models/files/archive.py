"""The zip archive of a torch file: opened within limits, and its members checked by their CRC.

torch checks no CRC. Needs no torch.
"""

import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import deflate

from grelu_models.errors import ModelError

__all__ = ["check_members", "open_archive"]

LARGEST_DIRECTORY = 32 * 2**20
"""Bytes of the largest central directory; that of Borzoi with its optimizer has 0.3 MB."""

LARGEST_UNPACKED = 4 * 2**30
"""Bytes of all compressed members together, unpacked. torch itself writes none."""

CHUNK = 4 * 2**20
"""Bytes that are read at a time."""

END = struct.Struct("<4s4H2LH")
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR_64 = struct.Struct("<4sLQL")
LOCAL = struct.Struct("<26x2H")


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open the zip archive of a torch file.

    Raises
    ------
    ModelError
        If the archive is damaged or exceeds a limit; also for what is raised while it is open,
        because a damaged zip can raise anything.
    """
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            _check_sizes(path, archive)
            yield archive
    except ModelError:
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ModelError(
            f"{path}: no readable weights: damaged or truncated, fetch it again: {reason}"
        ) from error


def _check_directory(path: Path) -> None:
    """Refuse a central directory that is too large, before it is read into memory."""
    with path.open("rb") as file:
        start = file.seek(max(0, file.seek(0, 2) - END.size - LOCATOR_64.size - 2**16))
        tail = file.read()
        at = len(tail) - END.size
        if not (tail[at:].startswith(b"PK\x05\x06") and tail.endswith(b"\0\0")):
            at = tail.rfind(b"PK\x05\x06")  # a comment follows
        if at < 0 or len(tail) < at + END.size:
            raise zipfile.BadZipFile("it has no central directory")
        directory = END.unpack_from(tail, at)[5]
        before = at + start - LOCATOR_64.size - END_64.size
        if tail[max(0, at - LOCATOR_64.size) :].startswith(b"PK\x06\x07") and before >= 0:
            file.seek(before)
            found = END_64.unpack(file.read(END_64.size))
            directory = found[8] if found[0] == b"PK\x06\x06" else directory
    if directory > LARGEST_DIRECTORY:
        raise ModelError(
            f"{path}: refused, the directory of its zip is {directory:,} bytes "
            f"(at most {LARGEST_DIRECTORY:,}): save the state_dict as .safetensors instead"
        )


def _check_sizes(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse members of one name, members that overlap, and those that unpack to too much."""
    members = archive.infolist()
    if len(archive.NameToInfo) < len(members):
        raise zipfile.BadZipFile("two of its members have one name")
    if sum(member.compress_size for member in members) > path.stat().st_size:
        raise zipfile.BadZipFile("its members overlap")
    unpacked = sum(m.file_size for m in members if m.compress_type != zipfile.ZIP_STORED)
    if unpacked > LARGEST_UNPACKED:
        raise ModelError(
            f"{path}: refused, its compressed members are {unpacked:,} bytes when unpacked "
            f"(at most {LARGEST_UNPACKED:,}): save the state_dict as .safetensors instead"
        )


def check_members(archive: zipfile.ZipFile, names: Iterable[str]) -> None:
    """Read members, and compare their CRC.

    Raises
    ------
    zipfile.BadZipFile
        If a member is damaged. The message names it.
    KeyError
        If a member is missing.
    """
    for name in names:
        member = archive.getinfo(name)
        if _compute_crc(archive, member) != member.CRC:
            raise zipfile.BadZipFile(f"{name} has another CRC than the archive states")


def _compute_crc(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """CRC of a member. For stored ones, libdeflate is 8 times as fast as `zipfile`."""
    with archive.open(member) as unpacked:  # compares its local header
        if member.compress_type != zipfile.ZIP_STORED:
            while unpacked.read(CHUNK):
                pass
            return member.CRC  # compared at the end of the member
    file = archive.fp
    assert file is not None
    file.seek(member.header_offset)
    name, extra = LOCAL.unpack(file.read(LOCAL.size))
    file.seek(member.header_offset + LOCAL.size + name + extra)
    crc, left = 0, member.file_size
    while left:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            raise EOFError(f"{member.filename} ends early")
        crc, left = deflate.crc32(chunk, crc), left - len(chunk)
    return crc
