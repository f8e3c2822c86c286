"""Deviation of reduced-precision arithmetic from fp32."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    """Largest absolute difference from fp32, and the largest absolute value in fp32."""

    largest: float
    scale: float

    @property
    def relative(self) -> float:
        """The difference as a fraction of the largest value; 0 if all values are 0."""
        return self.largest / self.scale if self.scale else 0.0
