"""The leaves of a bigWig's index while its blocks are written; all but a few wait on disk.

A human genome at 1 bp has 400,000 blocks a track: 12 MB an index, for each of many tracks.
"""

import struct
import tempfile
from pathlib import Path

import numpy as np

from genometracks.bigwig.format import LEAF

ITEM = struct.Struct("<IIIIQQ")
KEPT = 1 << 14
"""Bytes that stay in memory."""


class Leaves:
    """Index entries in the order of their blocks.

    Parameters
    ----------
    folder : Path
        For a file without a name, made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(KEPT, dir=folder)

    def add(self, contig: int, start: int, end: int, *, offset: int, size: int) -> None:
        """Take the next block: the bases it spans, its place in the file, its bytes."""
        self._file.write(ITEM.pack(contig, start, contig, end, offset, size))

    def read(self) -> np.ndarray:
        """All entries: LEAF array (n,)."""
        self._file.seek(0)
        return np.frombuffer(bytearray(self._file.read()), LEAF)

    def close(self) -> None:
        """Drop the entries."""
        self._file.close()
