"""Regions of a genome: from text such as `chr20:1,000,000-1,010,000`, and from BED files."""

import difflib
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from genometracks.errors import UserError
from genometracks.inputs.bed import name_some, parse_bed, shorten_contig

SPAN = re.compile("([0-9][0-9,_]{0,30})-([0-9][0-9,_]{0,30})")


@dataclass(frozen=True)
class Region:
    """A stretch [start, end) of a contig in bp, and its name, which may be empty."""

    contig: str
    start: int
    end: int
    name: str = ""


def make_region(
    contig: str, start: int | None, end: int | None, *, lengths: Mapping[str, int]
) -> Region:
    """Make a region of a genome.

    Parameters
    ----------
    contig : str
    start, end : int or None
        Bp, 0-based, half-open. None is the contig's start, or end.
    lengths : mapping
        Contig -> length in bp.

    Raises
    ------
    UserError
        If there is no such contig, or the region is not inside of it.
    """
    check_contig(contig, lengths)
    length = lengths[contig]
    first, last = 0 if start is None else start, length if end is None else end
    if not (first < last or first == last == length == 0):
        raise UserError(f"{shorten_contig(contig)}:{first}-{last}: start must be less than end")
    if first < 0 or last > length:
        raise UserError(
            f"{shorten_contig(contig)}:{first}-{last} is not inside of the contig, which is "
            f"{contig}:0-{length}"
        )
    return Region(contig, first, last)


def check_contig(contig: str, lengths: Mapping[str, int]) -> None:
    """Raise UserError if a genome does not have a contig; the message suggests one."""
    if contig in lengths:
        return
    other = contig.removeprefix("chr") if contig.startswith("chr") else f"chr{contig}"
    near = [other] if other in lengths else difflib.get_close_matches(contig, lengths, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the run has {name_some(lengths)}"
    raise UserError(f"no contig {shorten_contig(contig)!r}: {hint}")


def parse_region(text: str, *, lengths: Mapping[str, int]) -> Region:
    """Parse `contig` or `contig:start-end`.

    Parameters
    ----------
    text : str
        Commas and underscores in numbers are ignored. A contig may have colons in its name.
    lengths : mapping
        Contig -> length in bp.

    Raises
    ------
    UserError
        If the text is not a region; else as `make_region`.

    Examples
    --------
    >>> parse_region("chr20:1,000-2,000", lengths={"chr20": 64_444_167})
    Region(contig='chr20', start=1000, end=2000, name='')
    >>> parse_region("HLA:01", lengths={"HLA:01": 9})
    Region(contig='HLA:01', start=0, end=9, name='')
    """
    if text in lengths or ":" not in text:
        return make_region(text, None, None, lengths=lengths)
    contig, _, span = text.rpartition(":")
    found = SPAN.fullmatch(span)
    if not found:
        raise UserError(f"{text!r} is not a region: write contig:start-end, e.g. chr20:1000-2000")
    start, end = (int(each.replace(",", "").replace("_", "")) for each in found.groups())
    return make_region(contig, start, end, lengths=lengths)


def read_regions(path: Path, *, lengths: Mapping[str, int]) -> Iterator[Region | None]:
    """Yield the intervals of a BED file in its order; None for one of a contig that is not there.

    The name of a region is the fourth column, or empty.

    Raises
    ------
    UserError
        If the file cannot be read, or a line is not an interval of its contig.
    """
    try:
        for number, contig, start, end, line in parse_bed(path):
            if contig not in lengths:
                yield None
                continue
            if end > lengths[contig]:
                raise UserError(
                    f"{path}:{number}: {shorten_contig(contig)}:{start}-{end} extends past the "
                    f"contig's {lengths[contig]} bp: give a file of the same assembly"
                )
            yield Region(contig, start, end, _read_name(line))
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error


def _read_name(line: str) -> str:
    """The fourth column; characters that cannot be printed are escaped."""
    words = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
    name = words[3].strip() if len(words) > 3 else ""
    return name if name.isprintable() else ascii(name)[1:-1]
