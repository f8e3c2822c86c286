"""Parsing of FASTA files: names of contigs, and their normalised bases in blocks.

Normalised bases are A, C, G, T and N only, in upper case (see `letters`). A line ends with LF, CRLF
or CR.
"""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from genometracks.errors import UserError
from genometracks.inputs.letters import Counts, count_others, normalise

BLOCK = 1 << 24
"""Bytes that are read at once."""
MAX_HEADER = 1 << 20
"""Bytes of the longest header line."""
MAX_NAME = 1_000
"""Bytes of the longest name of a contig: every key of a bigWig's list of contigs is that long."""


class Piece(NamedTuple):
    """A block of a contig: normalised bases, and the counts of letters other than A, C, G, T, N."""

    bases: bytes
    others: Counts


def read_names(fasta: Path) -> tuple[list[str], str]:
    """Read the names of all contigs, in the file's order, and the sha256 of the file."""
    digest = hashlib.sha256()
    names: list[str] = []
    for part in _read_parts(fasta, digest):
        if part.startswith(b">"):
            names += [name.decode("utf-8", "replace") for name in part[1:].split()[:1]]
    return names, digest.hexdigest()


def read_lengths(fasta: Path) -> list[tuple[str, int]]:
    """Read name and length of all contigs, in the file's order, without looking at their letters.

    Raises
    ------
    UserError
        As `read_contigs`, for what is not a FASTA.
    """
    found: list[tuple[str, int]] = []
    for part in _read_parts(fasta, hashlib.sha256()):
        if part.startswith(b">"):
            found.append((_read_name(fasta, part, number=len(found) + 1), 0))
        elif found:
            name, length = found[-1]
            blank = sum(part.count(character) for character in (b"\n", b" ", b"\t"))
            found[-1] = name, length + len(part) - blank
        elif part.strip():
            raise _refuse_start(fasta, part)
    if not found:
        raise UserError(f"{fasta}: the file has no contigs: a FASTA starts with '>' and a name")
    return found


def _refuse_start(fasta: Path, part: bytes) -> UserError:
    return UserError(f"{fasta}: not a FASTA file: it starts with {part[:20]!r} instead of '>'")


def read_contigs(fasta: Path, digest: "hashlib._Hash") -> Iterator[tuple[str, Iterator[Piece]]]:
    """Yield each contig's name and an iterator over its pieces.

    Parameters
    ----------
    fasta : Path
        Plain, gzip or bgzip.
    digest : hashlib hash
        Updated with the bytes of the file as stored, as they are read.

    Raises
    ------
    UserError
        If the file cannot be read, does not start with '>', or has a contig without a name, with a
        name that files and browsers cannot hold, or with invalid characters.
    """
    parts = _read_parts(fasta, digest)
    header = next((part for part in parts if part.strip()), None)
    if header is not None and not header.startswith(b">"):
        raise _refuse_start(fasta, header)
    number = 0
    while header is not None:
        number += 1
        name = _read_name(fasta, header, number=number)
        following: list[bytes] = []
        pieces = _read_bases(fasta, name, parts, following)
        yield name, pieces
        for _ in pieces:  # the rest, if the caller stopped early
            pass
        header = following[0] if following else None


def _read_name(fasta: Path, header: bytes, *, number: int) -> str:
    """The name in the header of contig `number`, counted from 1; errors as `read_contigs`."""
    if not header[1:2].strip():
        raise UserError(f"{fasta}: a contig has no name: write it directly after the '>'")
    word = header[1:].split(maxsplit=1)[0]
    if len(word) > MAX_NAME:
        raise UserError(
            f"{fasta}: contig {number:,} has a name of {len(word):,} bytes, of which at most "
            f"{MAX_NAME:,} are supported: shorten it"
        )
    try:
        name = word.decode()
    except UnicodeDecodeError:
        raise UserError(
            f"{fasta}: contig {number:,} is named {word!r}, which is not UTF-8: rename it"
        ) from None
    if not name.isprintable():
        raise UserError(
            f"{fasta}: contig {number:,} is named {name!r}, which has characters that cannot be "
            "printed: rename it"
        )
    return name


def _read_bases(
    fasta: Path, name: str, parts: Iterator[bytes], following: list[bytes]
) -> Iterator[Piece]:
    """Yield a contig's pieces; append the next contig's header to `following`."""
    for part in parts:
        if part.startswith(b">"):
            following.append(part)
            return
        bases = normalise(part)
        if bases is None:
            raise UserError(
                f"{fasta}: contig {name!r} contains characters that are not letters: remove them"
            )
        yield Piece(bases, count_others(part))


def _read_parts(fasta: Path, digest: "hashlib._Hash") -> Iterator[bytes]:
    """Yield whole header lines ('>...') and large blocks of sequence lines, with LF line ends."""
    rest, at_line_start = b"", True
    for block in _read_blocks(fasta, digest):
        block = rest + block.replace(b"\r", b"\n")
        position = 0
        while position < len(block):
            if at_line_start and block[position] == ord(">"):
                end = block.find(b"\n", position)
                if (end if end >= 0 else len(block)) - position > MAX_HEADER:
                    raise UserError(
                        f"{fasta}: the header line {block[position : position + 20]!r}... is "
                        f"longer than {MAX_HEADER:,} bytes: shorten it"
                    )
                if end < 0:
                    break  # the header continues in the next block
                yield block[position:end]
                position = end + 1
            else:
                end = block.find(b"\n>", position)
                end = len(block) if end < 0 else end + 1
                yield block[position:end]
                at_line_start = block[end - 1] == ord("\n")
                position = end
        rest = block[position:]
    if rest:
        yield rest


def _read_blocks(fasta: Path, digest: "hashlib._Hash") -> Iterator[bytes]:
    """Yield the decompressed file in blocks; update the digest with the bytes as stored."""
    try:
        with open(fasta, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            plain = _DigestedFile(file, digest)
            source = gzip.GzipFile(fileobj=plain, mode="rb") if packed else plain
            while block := source.read(BLOCK):
                yield block
    except (EOFError, zlib.error, OSError) as error:
        raise UserError(f"{fasta}: cannot be read: {error}: copy it again") from error


class _DigestedFile:
    """A binary file whose bytes update a digest while it is read, once, from start to end."""

    def __init__(self, file: BinaryIO, digest: "hashlib._Hash") -> None:
        self._file, self._digest = file, digest

    def read(self, size: int = -1, /) -> bytes:
        """Read as a binary file does."""
        data = self._file.read(size)
        self._digest.update(data)
        return data

    def seekable(self) -> bool:
        """False: after a seek, bytes would be missing from the digest."""
        return False

    def seek(self, position: int, /) -> int:
        """Raise, because the file is not seekable."""
        raise io.UnsupportedOperation("seek")
