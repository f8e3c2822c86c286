"""The sequence as a 2bit file, which the UCSC browser reads: two bits a base, runs of N listed.

Format: https://genome.ucsc.edu/FAQ/FAQformat.html#format7. Everything is in upper case.
"""

import os
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genometracks.common.intervals import EMPTY, find_runs, merge_intervals
from genometracks.common.sealing import Seal, write_sealed
from genometracks.errors import UserError
from genometracks.inputs.fai import read_fai

__all__ = ["write_twobit"]

MAGIC = 0x1A412743
MAX_NAME = 255
CHUNK = 1 << 20
"""Bases that are read at once; a multiple of 4."""
LARGEST = 2**32 - 2**28
"""Bytes of packed bases up to which offsets have 32 bits; the rest is room for runs of N."""

CODES = np.zeros(256, np.uint8)
CODES[list(b"TCAG")] = range(4)
SHIFTS = (6, 4, 2, 0)


def write_twobit(fasta: Path, out: Path, *, contigs: Mapping[str, int]) -> Seal:
    """Write contigs of a normalised FASTA as a 2bit file, and return its seal.

    Takes the memory of one contig, packed.

    Parameters
    ----------
    fasta : Path
        Written by `inputs.genome.scan_fasta`, together with its index.
    out : Path
    contigs : mapping
        Name -> length in bp; contigs without bases are left out.

    Raises
    ------
    UserError
        If the FASTA or its index is missing, damaged or of other contigs, a name is longer than
        the format can hold, or the file cannot be written.
    """
    records = read_fai(Path(f"{fasta}.fai"))
    chosen = {name: length for name, length in contigs.items() if length}
    for name, length in chosen.items():
        if len(name.encode()) > MAX_NAME:
            raise UserError(f"{out}: the name of contig {name[:60]}... is longer than a 2bit holds")
        if records.get(name, (0, -1))[1] != length:
            raise UserError(f"{fasta}: contig {name} is missing or cut: delete it and run again")
    long = sum(length // 4 + 1 for length in chosen.values()) > LARGEST
    offset = struct.Struct("<Q" if long else "<I")
    begin = 16 + sum(1 + len(name.encode()) + offset.size for name in chosen)
    index = b""
    try:
        with open(fasta, "rb") as source, write_sealed(out) as file:
            file.seek(begin)  # the index is known at the end
            for name, length in chosen.items():
                index += struct.pack("<B", len(name.encode())) + name.encode()
                index += offset.pack(file.tell())
                runs, packed = _pack_contig(source.fileno(), fasta, records[name])
                file.write(struct.pack("<II", length, len(runs)))
                file.write(runs[:, 0].astype("<u4").tobytes())
                file.write((runs[:, 1] - runs[:, 0]).astype("<u4").tobytes())
                file.write(bytes(8))  # no bases in lower case; reserved
                for part in packed:
                    file.write(part)
            file.seek(0)
            file.write(struct.pack("<IIII", MAGIC, int(long), len(chosen), 0) + index)
    except FileNotFoundError as error:
        raise UserError(f"{fasta}: does not exist: run again") from error
    return file.sealed


def _pack_contig(
    source: int, fasta: Path, record: tuple[int, int]
) -> tuple[npt.NDArray[np.int64], list[bytes]]:
    """Runs of N, int64 (n, 2), and the packed bases."""
    at, length = record
    runs, packed = [EMPTY], []
    for start in range(0, length, CHUNK):
        size = min(CHUNK, length - start)
        bases = np.frombuffer(os.pread(source, size, at + start), np.uint8)
        if len(bases) != size:
            raise UserError(f"{fasta}: shorter than its index states: delete it and run again")
        runs.append(find_runs(bases == ord("N")) + start)
        codes = np.zeros(-(-size // 4) * 4, np.uint8)
        codes[:size] = CODES[bases]
        parts = [codes[i::4] << shift for i, shift in enumerate(SHIFTS)]
        packed.append((parts[0] | parts[1] | parts[2] | parts[3]).tobytes())
    return merge_intervals(np.concatenate(runs)), packed
