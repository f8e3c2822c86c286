"""The text of a FASTA: contigs' names, and their normalised bases in blocks."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from genometracks.errors import UserError

BLOCK = 1 << 24

# Byte -> normalised base. Letters that are no base (IUPAC codes), gaps and stops are N; \0 is foul.
_NORMAL = bytearray(256)
for _letter in range(256):
    if chr(_letter).isascii() and (chr(_letter).isalpha() or chr(_letter) in "*-."):
        _NORMAL[_letter] = ord("N")
for _letter in "ACGT":
    _NORMAL[ord(_letter)] = _NORMAL[ord(_letter.lower())] = ord(_letter)
NORMAL = bytes(_NORMAL)


def read_names(fasta: Path) -> tuple[list[str], str]:
    """The names of all contigs in order, and the sha256 of the file."""
    digest = hashlib.sha256()
    names = []
    for part in _read_parts(fasta, digest):
        if part.startswith(b">"):
            names += [name.decode("utf-8", "replace") for name in part[1:].split()[:1]]
    return names, digest.hexdigest()


def read_contigs(fasta: Path, digest) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield each contig's name and an iterator of its normalised bases, in blocks."""
    parts = _read_parts(fasta, digest)
    header = next((part for part in parts if part.strip()), None)
    if header is not None and not header.startswith(b">"):
        raise UserError(f"{fasta}: not a FASTA: it starts with {header[:20]!r} instead of '>'")
    while header is not None:
        if not header[1:2].strip():
            raise UserError(f"{fasta}: a contig has no name: write it right behind its '>'")
        name = header[1:].split()[0].decode("utf-8", "replace")
        following: list[bytes] = []
        pieces = _read_bases(fasta, name, parts, following)
        yield name, pieces
        for _ in pieces:  # what the caller left
            pass
        header = following[0] if following else None


def _read_bases(
    fasta: Path, name: str, parts: Iterator[bytes], following: list[bytes]
) -> Iterator[bytes]:
    """Yield a contig's normalised bases; the next contig's header is put into `following`."""
    for part in parts:
        if part.startswith(b">"):
            following.append(part)
            return
        bases = part.translate(NORMAL, b" \t\r\n")
        if b"\0" in bases:
            raise UserError(f"{fasta}: contig {name!r} holds something else than letters")
        yield bases


def _read_parts(fasta: Path, digest) -> Iterator[bytes]:
    """Yield whole header lines ('>...') and large blocks of sequence lines, as they stand."""
    rest, at_line_start = b"", True
    for block in _read_blocks(fasta, digest):
        block = rest + block
        position = 0
        while position < len(block):
            if at_line_start and block[position] == ord(">"):
                end = block.find(b"\n", position)
                if end < 0:
                    break  # the header goes on in the next block
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


def _read_blocks(fasta: Path, digest) -> Iterator[bytes]:
    """Yield the decompressed file block by block; digest the file's own bytes."""
    try:
        with open(fasta, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            source = _DigestedFile(file, digest)
            if packed:
                source = gzip.GzipFile(fileobj=source)
            while block := source.read(BLOCK):
                yield block
    except (EOFError, zlib.error, OSError) as error:
        raise UserError(f"{fasta}: cannot be read: {error}: copy it again") from error


class _DigestedFile:
    """A binary file whose bytes are digested as they are read."""

    def __init__(self, file: BinaryIO, digest) -> None:
        self._file, self._digest = file, digest

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        return data
