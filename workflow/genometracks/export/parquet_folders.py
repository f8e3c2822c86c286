"""Folders of a Parquet data set, `chrom={contig}`: whole names where a folder can hold them.

Readers decode the percent-encoded name of a folder and use it as the column `chrom`.
"""

import hashlib
import re
import string
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

from genometracks.config.folders import CHROM

LONGEST = 255
"""Bytes of the longest name of a file or folder on common file systems."""
NULL = "__HIVE_DEFAULT_PARTITION__"
"""Readers take this value for a missing one."""


def name_folders(contigs: Sequence[str]) -> dict[str, str]:
    """Choose a folder for each contig: contig -> name, unique ignoring case.

    Where contigs differ only in case, letters of all but the first are percent-encoded. A name that
    is too long becomes the first letters of it and a digest.

    Examples
    --------
    >>> list(name_folders(["a|b", "chrX", "CHRX"]).values())
    ['chrom=a%7Cb', 'chrom=chrX', 'chrom=%43%48%52%58']
    >>> name_folders(["scaffold" * 40]).popitem()[1]
    'chrom=scaffoldscaffoldscaffold-15db96768814ce9e'
    """
    values: dict[str, str] = {}
    taken: set[str] = set()
    for contig in contigs:
        value = quote(contig, safe="")
        if value.lower() in taken:
            value = _encode_letters(value)
        if len(CHROM + value) <= LONGEST and contig != NULL:
            values[contig] = value
            taken.add(value.lower())
    taken |= {contig.lower() for contig in contigs}
    for contig in contigs:
        if contig not in values:
            values[contig] = _shorten(contig, taken)
            taken.add(values[contig].lower())
    return {contig: f"{CHROM}{values[contig]}" for contig in contigs}


def list_renamed(folders: Mapping[str, str]) -> str:
    """The content of `_contigs.tsv`: the values of `chrom` that are not the contig's name.

    Empty if there are none.
    """
    rows = [(unquote(folder.removeprefix(CHROM)), contig) for contig, folder in folders.items()]
    renamed = [f"{chrom}\t{contig}\n" for chrom, contig in rows if chrom != contig]
    return "".join(["chrom\tcontig\n", *renamed]) if renamed else ""


def _encode_letters(value: str) -> str:
    """Percent-encode the letters of a value that is percent-encoded where it must be."""
    return "".join(
        f"%{ord(each):02X}" if len(each) == 1 and each in string.ascii_letters else each
        for each in re.findall("%..|.", value)
    )


def _shorten(contig: str, taken: set[str]) -> str:
    head = re.sub("[^A-Za-z0-9.]+", "_", contig)[:24]
    digest = hashlib.sha256(contig.encode()).hexdigest()
    sizes = (size for size in range(16, 65) if f"{head}-{digest[:size]}".lower() not in taken)
    return f"{head}-{digest[: next(sizes)]}"
