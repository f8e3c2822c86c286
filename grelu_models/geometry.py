"""Window arithmetic of a model. Needs no torch."""

from dataclasses import dataclass

__all__ = ["Geometry"]


@dataclass(frozen=True)
class Geometry:
    """Window arithmetic of a model: `window == bin * (length + 2 * crop)` for spatial models.

    Attributes
    ----------
    window : int
        Base pairs read.
    bin : int or None
        Base pairs per output bin; None for a model that pools to one value a window.
    crop : int
        Bins dropped at each end (0 where `bin` is None).
    length : int
        Bins out.
    tracks : int
        Channels out.
    """

    window: int
    bin: int | None
    crop: int
    length: int
    tracks: int
