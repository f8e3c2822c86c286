"""The index of a normalised FASTA (`.fai`), in the format of `samtools faidx`: written and read.

Every contig is on one line, so the index follows from names and lengths. A damaged index is found
by comparing each line with the one that must be there.
"""

from collections.abc import Iterable
from pathlib import Path

from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError


def format_header(name: str) -> bytes:
    """The line before a contig's bases."""
    return f">{name}\n".encode()


def write_fai(path: Path, contigs: Iterable[tuple[str, int]]) -> None:
    """Write the index of contigs, given as (name, length in bp) in the order of the FASTA."""
    offset = 0
    with write_atomically(path) as file:
        for name, length in contigs:
            offset += len(format_header(name))
            file.write(f"{_format_row(name, length, offset)}\n".encode())
            offset += length + 1  # with its line end


def read_fai(path: Path) -> dict[str, tuple[int, int]]:
    """Read an index that `write_fai` wrote.

    Returns
    -------
    dict
        Name -> position of the first base in the FASTA, and length in bp.

    Raises
    ------
    UserError
        If the index is missing or damaged.
    """
    records: dict[str, tuple[int, int]] = {}
    offset = 0
    try:
        lines = path.read_bytes().decode().split("\n")
        if lines.pop():
            raise ValueError("its last line is cut")
        for number, line in enumerate(lines, start=1):
            name, size = (line.split("\t") + [""])[:2]
            offset += len(format_header(name))
            length = int(size) if size.isdecimal() else -1
            if line != _format_row(name, length, offset) or name in records:
                raise ValueError(f"line {number} is not that of a normalised FASTA")
            records[name] = offset, length
            offset += length + 1
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no usable index ({error}): delete it and run again") from error
    return records


def _format_row(name: str, length: int, offset: int) -> str:
    """Name, length, position of the first base, bases per line, bytes per line."""
    return f"{name}\t{length}\t{offset}\t{length}\t{length + 1}"
