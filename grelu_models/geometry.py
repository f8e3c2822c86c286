"""Window arithmetic of a model. Needs no torch."""

from dataclasses import dataclass

__all__ = ["Geometry"]


@dataclass(frozen=True)
class Geometry:
    """Window arithmetic of a model.

    `window == bin * (length + 2 * crop)`, except for models that give one value per window.

    Attributes
    ----------
    window : int
        Base pairs read.
    bin : int or None
        Base pairs per output bin; None for a model that pools a window to one value.
    crop : int
        Bins dropped at each end; 0 where `bin` is None.
    length : int
        Bins out.
    tracks : int
        Channels out.

    Examples
    --------
    Borzoi as published:

    >>> borzoi = Geometry(window=524_288, bin=32, crop=5120, length=6144, tracks=7611)
    >>> borzoi.bin * (borzoi.length + 2 * borzoi.crop) == borzoi.window
    True
    """

    window: int
    bin: int | None
    crop: int
    length: int
    tracks: int
