"""Base codes of any interval of a normalised FASTA."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genometracks.errors import UserError
from genometracks.inputs.fai import read_fai

CHECKED = 1 << 20
"""Bytes of a contig that `check` reads at once, which bounds its memory."""

# Normalised base -> code: the row of the one-hot encoding, 4 for N.
CODES = np.full(256, 4, np.uint8)
CODES[list(b"ACGT")] = range(4)


class Bases:
    r"""Random access to a normalised FASTA.

    Parameters
    ----------
    fasta : Path
        Written by `scan_fasta`, together with its index.

    Raises
    ------
    UserError
        If a file is missing, or the index is not valid.

    Examples
    --------
    >>> from genometracks.inputs.genome import scan_fasta
    >>> _ = Path("toy.fa").write_text(">chr1\nacgtn\n")
    >>> _ = scan_fasta(Path("toy.fa"), Path("genome.fa"), name="toy", patterns=["*"])
    >>> Bases(Path("genome.fa")).codes("chr1", -2, 5).tolist()
    [4, 4, 0, 1, 2, 3, 4]
    """

    def __init__(self, fasta: Path) -> None:
        self._records = read_fai(Path(f"{fasta}.fai"))
        # Read, not mapped: pages of a mapped file count as this process's memory.
        try:
            self._file = open(fasta, "rb")  # noqa: SIM115 - closed with the object
        except OSError as error:
            raise UserError(
                f"{fasta}: cannot be read: {error.strerror}: delete it and run again"
            ) from error

    def check(self, contigs: Mapping[str, str]) -> None:
        """Verify that contigs have the same bases as when the plan was made.

        Parameters
        ----------
        contigs : mapping
            Name -> sha256 of the bases.

        Raises
        ------
        UserError
            If a contig differs. The message names the first one.
        """
        for name, expected in contigs.items():
            offset, length = self._records.get(name, (0, 0))
            digest = hashlib.sha256()
            for start in range(0, length, CHECKED):
                size = min(CHECKED, length - start)
                digest.update(os.pread(self._file.fileno(), size, offset + start))
            if digest.hexdigest() != expected:
                raise UserError(
                    f"{self._file.name}: contig {name} changed since the plan was made: "
                    "delete this file and run again"
                )

    def codes(self, contig: str, start: int, end: int) -> npt.NDArray[np.uint8]:
        """Read the base codes of an interval; N (4) past the contig's ends.

        Parameters
        ----------
        contig : str
        start, end : int
            In bp, 0-based, half-open; may lie outside the contig.

        Returns
        -------
        uint8 array (end - start,)
            0-3 for A, C, G, T; 4 for N.

        Raises
        ------
        UserError
            If the contig is missing, or the file is shorter than its index states.
        """
        if contig not in self._records:
            raise UserError(
                f"{self._file.name}: contig {contig} is missing: delete this file and run again"
            )
        offset, length = self._records[contig]
        low, high = max(start, 0), min(end, length)
        codes = np.full(end - start, 4, np.uint8)
        if low < high:
            bases = os.pread(self._file.fileno(), high - low, offset + low)
            if len(bases) != high - low:
                raise UserError(
                    f"{self._file.name}: shorter than its index states: delete it and run again"
                )
            codes[low - start : high - start] = CODES[np.frombuffer(bases, np.uint8)]
        return codes
