"""Window, bin and crop arithmetic: which bins a window owns. Pure integers, no I/O.

Bins are on a fixed grid: bin k of a contig covers [k * bin, min(k * bin + span, contig length)).
The span equals the bin, unless the stride between values is longer than a window: each value then
covers its window, and the bases between windows belong to no bin.
Windows are on a fixed grid too: window w of a contig owns the bins [w * owned, (w + 1) * owned).
A bin's value therefore depends on the contig and on the geometry alone, never on what else is
predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from genometracks.common.intervals import EMPTY
from genometracks.errors import UserError
from genometracks.plan.segments import Runs, count_bins
from grelu_models.geometry import Geometry as ModelGeometry


@dataclass(frozen=True)
class Geometry:
    """Window arithmetic of a run: the bases that a window reads, and the bins that it owns.

    Attributes
    ----------
    window : int
        Base pairs read by one forward pass.
    bin : int
        Base pairs from the start of a bin to the start of the next.
    span : int
        Base pairs that a bin covers, at most `bin`.
    length : int
        Bins that a forward pass gives.
    lead : int
        Base pairs from the window's start to its first output bin: the crop, or, for a model of
        one value per window, the offset that centres the stride.
    trim : int
        Output bins at each end that the window does not own. Default is 0.
    blend : int
        Bins on each side of the border of neighbouring windows over which the two are blended; at
        most `trim`, so that both predict them. Default is 0.
    room : int or None
        Bins by which a window that extends past a contig's end may be moved inwards while its
        output still contains what it owns. Default is None: it stays on the grid, and reads N past
        the end.
    """

    window: int
    bin: int
    span: int
    length: int
    lead: int
    trim: int = 0
    blend: int = 0
    room: int | None = None

    @property
    def owned(self) -> int:
        """Bins that one window owns."""
        return self.length - 2 * self.trim

    def starts(self, first: int, last: int) -> npt.NDArray[np.int64]:
        """Start (bp, may be negative) of each window in [first, last) on the grid."""
        windows = np.arange(first, last, dtype=np.int64)
        starts: npt.NDArray[np.int64] = (
            windows * (self.owned * self.bin) - self.lead - self.trim * self.bin
        )
        return starts

    def shifts(self, first: int, last: int, *, length: int) -> npt.NDArray[np.int64]:
        """Bins by which each window in [first, last) of a contig is moved, > 0 to the right.

        A window is moved until it is inside the contig, its room is used up, or its other end
        reaches the contig's end. The contig's last window has more room to the left: the bins that
        it would own if the contig continued.

        Parameters
        ----------
        first, last : int
            Windows of the contig, half-open.
        length : int
            Length of the contig in bp.

        Returns
        -------
        int64 array (last - first,)
        """
        if self.room is None:
            return np.zeros(last - first, np.int64)
        # Whole bins between the window's ends and the contig's; if negative, bins outside.
        starts = self.starts(first, last)
        left = starts // self.bin
        right = (length - starts - self.window) // self.bin
        bins = count_bins(length, self.bin)
        spare = np.maximum(np.arange(first + 1, last + 1) * self.owned - bins, 0)
        rightwards = np.minimum(np.minimum(-left, right), self.room)
        leftwards = np.minimum(np.minimum(-right, left), self.room + spare)
        moved: npt.NDArray[np.int64] = np.maximum(rightwards, 0) - np.maximum(leftwards, 0)
        return moved

    def padded_windows(self, *, length: int) -> Runs:
        """Find the runs of windows of a contig of `length` bp that read past its ends.

        Returns
        -------
        int64 array (n, 2)
            Windows [first, last), ascending.
        """
        step, start = self.owned * self.bin, int(self.starts(0, 1)[0])
        windows = count_bins(length, step)
        # On the grid, windows from `inside` on start in the contig, and those from `outside` on end
        # past it. Those between are not examined, so the cost does not grow with the contig.
        inside = min(count_bins(-start, step), windows)
        outside = min(max((length - self.window - start) // step + 1, inside), windows)
        runs = [EMPTY]
        for first, last in ((0, inside), (outside, windows)):
            starts = self.starts(first, last) + self.bin * self.shifts(first, last, length=length)
            past = (starts < 0) | (starts + self.window > length)
            turns = np.flatnonzero(np.diff(np.r_[False, past, False]))
            runs.append(first + turns.reshape(-1, 2))
        return np.concatenate(runs)


def place_windows(
    measured: ModelGeometry,
    *,
    stride: int | None,
    trim: int,
    blend: int = 0,
    edges: Literal["pad", "slide"] = "pad",
    shifts: Sequence[int] = (0,),
) -> Geometry:
    """Make the geometry of a run from its model's measured geometry and the user's settings.

    Parameters
    ----------
    measured : grelu_models.geometry.Geometry
    stride : int or None
        Base pairs between the values of a model that gives one value per window. A value covers
        the stride at its window's centre, or its whole window if the stride is longer. None for a
        model with bins.
    trim : int
        Bins cut from each end of every window.
    blend : int
        Bins on each side of a border over which windows are blended. Default is 0.
    edges : {"pad", "slide"}
        Whether windows that extend past a contig's ends read N there or are moved inwards. Default
        is "pad".
    shifts : sequence of int
        Base pairs by which a window's contributions are shifted. Default is (0,). They are averaged
        to one output, whose window contains the bases that any of them reads, and whose bins are
        those that all of them give.

    Raises
    ------
    UserError
        If stride, trim, blend or shifts do not fit the model.

    Examples
    --------
    >>> from grelu_models.geometry import Geometry as ModelGeometry
    >>> borzoi = ModelGeometry(window=524_288, bin=32, crop=5_120, length=6_144, tracks=7_611)
    >>> placed = place_windows(borzoi, stride=None, trim=64)
    >>> placed.owned, placed.lead
    (6016, 163840)
    """
    size, lead = _find_bin(measured, stride)
    halo = count_halo(shifts, size)
    if 2 * halo >= measured.length:
        worst = max(shifts, key=abs)
        most = size * ((measured.length + 1) // 2) - 1
        raise UserError(
            f"prediction.shifts: {worst} bp are {halo} bins; at both ends of a window, that leaves "
            f"none of the model's {measured.length}: use at most {most} bp"
        )
    length = measured.length - 2 * halo
    if 2 * trim >= length:
        raise UserError(
            f"prediction.trim: {trim} bins at each end leave nothing of the model's "
            f"{length}: use at most {(length - 1) // 2}"
        )
    _check_blend(length - 2 * trim, trim=trim, blend=blend)
    return Geometry(
        window=measured.window + max(shifts) - min(shifts),
        bin=size,
        span=min(size, measured.window),
        length=length,
        lead=lead + halo * size - min(shifts),
        trim=trim,
        blend=blend,
        room=trim - blend if edges == "slide" else None,
    )


def _find_bin(measured: ModelGeometry, stride: int | None) -> tuple[int, int]:
    """Base pairs from bin to bin, and from a window's start to its first bin (the lead)."""
    window, size = measured.window, measured.bin
    if size is None:
        if stride is None:
            raise UserError(
                "prediction.stride: the model gives one value per window of "
                f"{window} bp: set the base pairs between windows, e.g. {min(window, 64)}"
            )
        return stride, max(window - stride, 0) // 2
    if stride is not None:
        raise UserError(
            "prediction.stride: only for models of one value per window; this one has bins of "
            f"{size} bp: remove the key"
        )
    return size, measured.crop * size


def count_halo(shifts: Sequence[int], size: int) -> int:
    """Count the bins at each end of the output that not all shifted windows give.

    Whole bins of a shift are undone; the remainder stays.

    Parameters
    ----------
    shifts : sequence of int
        In bp.
    size : int
        Base pairs per bin.
    """
    return max(abs(shift) // size for shift in shifts)


def _check_blend(owned: int, *, trim: int, blend: int) -> None:
    if blend > trim:
        raise UserError(
            f"prediction.blend: only bins that both windows predict can be blended: {blend} on "
            f"each side need prediction.trim: {blend} or more, here it is {trim}"
        )
    if 2 * blend > owned:
        raise UserError(
            f"prediction.blend: {blend} bins at each end are more than the {owned} that a window "
            f"owns: use at most {owned // 2}"
        )
