"""Regions as text: `contig`, or `contig:start-end`, 0-based, half-open."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from genometracks.errors import UserError

__all__ = ["Region", "parse_region"]


@dataclass(frozen=True)
class Region:
    """An interval in bp, 0-based, half-open."""

    contig: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.contig}:{self.start}-{self.end}"


def parse_region(text: str, lengths: Mapping[str, int], *, where: str = "region") -> Region:
    """Parse a region and check that the contigs contain it.

    Parameters
    ----------
    text : str
        `contig` or `contig:start-end`; commas in numbers are ignored. A contig may have colons in
        its name.
    lengths : mapping
        Contig -> length in bp.
    where : str
        What the text is, for errors. Default is "region".

    Raises
    ------
    UserError
        If the text is not a region, the contig is unknown, or the interval is empty or reaches
        past the contig's end.

    Examples
    --------
    >>> print(parse_region("chr20:1,000-2,000", {"chr20": 64_444_167}))
    chr20:1000-2000
    >>> print(parse_region("chr20", {"chr20": 64_444_167}))
    chr20:0-64444167
    """
    if text in lengths:
        return Region(text, 0, lengths[text])
    contig, _, span = text.rpartition(":")
    found = re.fullmatch(r"([\d,]{1,30})-([\d,]{1,30})", span, re.ASCII)
    if not contig or not found:
        if ":" not in text or text.rpartition(":")[2].strip("-,0123456789"):
            raise UserError(f"{where} {text!r}: {_unknown(text, lengths)}")
        raise UserError(f"{where} {text!r}: not contig:start-end: write it as chr20:1000-2000")
    if contig not in lengths:
        raise UserError(f"{where} {text!r}: {_unknown(contig, lengths)}")
    start, end = (int(digits.replace(",", "") or 0) for digits in found.groups())
    length = lengths[contig]
    if not start < end:
        raise UserError(f"{where} {text!r}: the end must be greater than the start")
    if end > length:
        raise UserError(f"{where} {text!r}: {contig} has {length:,} bp: choose a smaller end")
    return Region(contig, start, end)


def _unknown(contig: str, lengths: Mapping[str, int]) -> str:
    other = contig.removeprefix("chr") if contig.startswith("chr") else f"chr{contig}"
    near = [other] if other in lengths else get_close_matches(contig, lengths, n=1)
    some = ", ".join(list(lengths)[:5]) + (", ..." if len(lengths) > 5 else "")
    hint = f"did you mean {near[0]!r}?" if near else f"the contigs are {some}"
    return f"there is no contig {contig!r}: {hint}"
