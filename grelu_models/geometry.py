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
        Base pairs that a forward pass reads.
    bin : int or None
        Base pairs per output bin; None for a model that gives one value per window.
    crop : int
        Bins dropped at each end; 0 if `bin` is None.
    length : int
        Output bins.
    tracks : int
        Output channels.

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
