"""The table of `genome.aliases`: contigs of the FASTA and their names at UCSC."""

import zlib
from collections.abc import Mapping
from pathlib import Path

from genometracks.errors import UserError
from genometracks.inputs.bed import INTEGER, name_some, read_lines, shorten_contig

__all__ = ["read_aliases"]

KEY = "genome.aliases"
MAX_NAME = 255
"""Characters of the longest name."""
MOST = 10_000_000
"""Lines that are read."""


def read_aliases(path: Path, *, lengths: Mapping[str, int]) -> dict[str, str]:
    r"""Read the names at UCSC of a run's contigs.

    Parameters
    ----------
    path : Path
        Columns, with tabs between them: a contig of the FASTA, its name at UCSC, and optionally
        its length in bp there. Empty lines and those that begin with `#` are skipped; so are
        contigs that are not in the run.
    lengths : mapping
        Contig of the run -> length in bp.

    Returns
    -------
    dict
        Contig of the run -> name at UCSC. A contig that the table lacks keeps its name, and is
        not in it.

    Raises
    ------
    UserError
        If the file cannot be read, a line has no name, a contig is named twice or has another
        length, two contigs have one name, or no contig of the run is in the table.

    Examples
    --------
    >>> path = Path("aliases.tsv")
    >>> _ = path.write_text("1\tchr1\nMT\tchrM\n")
    >>> read_aliases(path, lengths={"1": 100})
    {'1': 'chr1'}
    """
    found: dict[str, str] = {}
    others: list[str] = []
    try:
        for number, line in enumerate(read_lines(path), start=1):
            if number > MOST:
                raise UserError(f"{path}: has more than {MOST:,} lines: check {KEY}")
            if not line.strip() or line.startswith("#"):
                continue
            words = [word.strip() for word in line.rstrip("\r\n").split("\t")]
            _check_line(f"{path}:{number}", words, lengths)
            if words[0] in found:
                raise UserError(
                    f"{path}:{number}: contig {shorten_contig(words[0])} has a second name "
                    f"{shorten_contig(words[1])}: keep one of its lines"
                )
            if words[0] in lengths:
                found[words[0]] = words[1]
            elif len(others) < 4 and words[0] not in others:
                others.append(words[0])
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}: check {KEY}") from error
    if not found:
        raise UserError(
            f"{path}: its first column ({name_some(others) or 'empty'}) has no contig of the "
            f"genome, which has {name_some(lengths)}: correct the table, or {KEY}"
        )
    _check_unique(path, found, lengths)
    return found


def _check_line(where: str, words: list[str], lengths: Mapping[str, int]) -> None:
    names = words[:2]
    if len(names) < 2 or not all(
        0 < len(name) <= MAX_NAME and name.isprintable() and not set(name) & set(" :")
        for name in names
    ):
        raise UserError(
            f"{where}: needs a contig and its name at UCSC, with a tab between them and without "
            f"spaces or colons: correct the line, or {KEY}"
        )
    length = lengths.get(words[0])
    if len(words) < 3 or length is None:
        return
    given = words[2].replace(",", "")
    if INTEGER.fullmatch(given) and int(given) != length:
        raise UserError(
            f"{where}: {shorten_contig(words[1])} has {int(given):,} bp, but contig "
            f"{shorten_contig(words[0])} of the genome has {length:,} bp: give {KEY} the table of "
            "the same assembly"
        )


def _check_unique(path: Path, found: Mapping[str, str], lengths: Mapping[str, int]) -> None:
    """Refuse a name that two contigs of the run would have."""
    owners: dict[str, str] = {}
    for contig in lengths:
        name = found.get(contig, contig)
        if name in owners:
            raise UserError(
                f"{path}: contigs {shorten_contig(owners[name])} and {shorten_contig(contig)} "
                f"would both be {shorten_contig(name)}: correct the table, or {KEY}"
            )
        owners[name] = contig
