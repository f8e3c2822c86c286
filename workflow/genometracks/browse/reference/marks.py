"""Sites, regions and the blacklist of a run as bigBeds."""

from collections.abc import Mapping
from pathlib import Path

from genometracks.bigwig.bigbed import BED3, Rows, write_bigbed
from genometracks.common.intervals import Intervals
from genometracks.common.sealing import Seal
from genometracks.config.sections import Sites
from genometracks.evaluation.sites import read_sites
from genometracks.inputs.bed import read_bed

__all__ = ["write_regions", "write_sites"]


def write_sites(entry: Sites, out: Path, *, key: str, lengths: Mapping[str, int]) -> Seal:
    """Write the sites of an entry as they are evaluated, and return the file's seal.

    Parameters
    ----------
    entry : Sites
    out : Path
    key : str
        Its key, `evaluation.sites[0]`, for errors.
    lengths : mapping
        Contig of the run -> length in bp.

    Raises
    ------
    UserError
        As `evaluation.sites.read_sites`.
    """
    return _write(out, read_sites(entry, key=key, lengths=lengths).found, lengths)


def write_regions(bed: Path, out: Path, *, key: str, lengths: Mapping[str, int]) -> Seal:
    """Write the merged intervals of a BED file, and return the file's seal.

    Parameters
    ----------
    bed : Path
    out : Path
    key : str
        Key of the config that names the BED file, for errors.
    lengths : mapping
        Contig of the run -> length in bp.

    Raises
    ------
    UserError
        As `inputs.bed.read_bed`.
    """
    return _write(out, read_bed(bed, key=key, lengths=lengths).intervals, lengths)


def _write(out: Path, found: Mapping[str, Intervals], lengths: Mapping[str, int]) -> Seal:
    contigs = {contig: length for contig, length in lengths.items() if length}
    features = {contig: Rows(intervals) for contig, intervals in found.items()}
    return write_bigbed(out, contigs, features, layout=BED3)
