"""The letters of a sequence: which are bases, which are ambiguous, and which are no nucleotides.

Normalised bases are A, C, G, T and N. U (RNA) is read as T; IUPAC codes of several bases, masks (X)
and gaps (`*-.`) are read as N. Letters that are no nucleotide code are read as N, too, but a contig
that has many of them is a protein or another text, and is refused.
"""

import string
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

AMBIGUOUS = "RYSWKMBDHV"
"""IUPAC codes that stand for two or three bases."""
FOREIGN = "".join(sorted(set(string.ascii_uppercase) - set("ACGTUNX") - set(AMBIGUOUS)))
"""Letters that are no nucleotide code: E F I J L O P Q Z. 35% of proteins, and of English text."""
MOST_FOREIGN = 0.05
"""Largest share of such letters: a seventh of that of a protein, more than a few typing errors."""
PIECE = 1 << 20
"""Letters that are counted at once."""

Counts = npt.NDArray[np.int64]
"""Number of letters by byte: (256,). A, C, G, T and N are not counted."""

_PLAIN = b"ACGTNacgtn \t\r\n"


def _make_table() -> bytes:
    """Byte -> normalised base; 0 for bytes that a sequence must not contain."""
    table = bytearray(256)
    for letter in string.ascii_letters + "*-.":
        table[ord(letter)] = ord("N")
    for letter, base in zip("ACGTU", "ACGTT", strict=True):
        table[ord(letter)] = table[ord(letter.lower())] = ord(base)
    return bytes(table)


NORMAL = _make_table()


def normalise(part: bytes) -> bytes | None:
    """Normalised bases of a part of a FASTA; None if it contains characters that are no letters.

    Examples
    --------
    >>> normalise(b"acguRX-\\nN")
    b'ACGTNNNN'
    """
    bases = part.translate(NORMAL, b" \t\r\n")
    return None if b"\0" in bases else bases


def count_others(part: bytes) -> Counts:
    """Count the letters of a part of a FASTA that are not A, C, G, T or N."""
    counts = np.zeros(256, np.int64)
    others = np.frombuffer(part.translate(None, _PLAIN), np.uint8)
    for first in range(0, len(others), PIECE):
        counts += np.bincount(others[first : first + PIECE], minlength=256)
    return counts


@dataclass(frozen=True)
class Letters:
    """Numbers of letters of a contig that are not A, C, G, T or N.

    Attributes
    ----------
    uracil : int
        U, read as T.
    ambiguous : int
        IUPAC codes of several bases, read as N.
    foreign : int
        Letters that are no nucleotide code, read as N.
    shown : str
        The foreign letters.
    """

    uracil: int
    ambiguous: int
    foreign: int
    shown: str

    def foreign_share(self, known: int) -> float:
        """Share of foreign letters, given the number of A, C, G, T and U."""
        letters = known + self.ambiguous + self.foreign
        return self.foreign / letters if letters else 0.0


def summarise_letters(counts: Counts) -> Letters:
    """Sum the counts of `count_others` by kind of letter."""

    def total(letters: str) -> int:
        return int(counts[list((letters + letters.lower()).encode())].sum())

    shown = ", ".join(letter for letter in FOREIGN if total(letter))
    return Letters(total("U"), total(AMBIGUOUS), total(FOREIGN), shown)
