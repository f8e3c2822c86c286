"""How a track is drawn, by its metadata and limits alone."""

from typing import Literal

from genometracks.browse.limits import Limits
from genometracks.browse.scene import ShownTrack

__all__ = ["choose_summary", "is_minus"]

MINUS = {"-", "\N{MINUS SIGN}", "-1", "minus", "negative", "reverse"}
"""Values of the column `strand`, in any case, of tracks of the minus strand."""


def is_minus(track: ShownTrack) -> bool:
    """Whether the metadata say that a track is of the minus strand."""
    return str(track.metadata.get("strand", "")).strip().lower() in MINUS


def choose_summary(limits: Limits) -> Literal["max", "mean", "min"]:
    """What is drawn of several bins that share a pixel.

    The value that is farthest from 0, so that narrow peaks are seen, as in UCSC's browser; the mean
    where values of both signs are frequent.
    """
    if limits.low < 0 < limits.high:
        return "mean"
    return "max" if limits.high > 0 else "min"
