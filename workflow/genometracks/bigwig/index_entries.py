"""Index entries of a bigWig's blocks, collected while the blocks are written; most wait on disk.

A human genome at 1 bp has 400,000 blocks a track: 12 MB of entries, for each of many tracks.
"""

import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.format import LEAF

ENTRY = struct.Struct("<IIIIQQ")
IN_MEMORY = 1 << 14
"""Bytes of entries that stay in memory."""


class IndexEntries:
    """Index entries in the order of their blocks.

    Parameters
    ----------
    folder : Path
        Folder of the unnamed temporary file, which is created only if it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, mode="w+b", dir=str(folder))

    def add(self, contig: int, start: int, end: int, *, offset: int, size: int) -> None:
        """Add the next block: the bases it spans, its offset in the file, its size in bytes."""
        self._file.write(ENTRY.pack(contig, start, contig, end, offset, size))

    def read(self) -> npt.NDArray[Any]:
        """All entries: LEAF array (n,)."""
        self._file.seek(0)
        return np.frombuffer(bytearray(self._file.read()), LEAF)

    def close(self) -> None:
        """Delete the entries."""
        self._file.close()
