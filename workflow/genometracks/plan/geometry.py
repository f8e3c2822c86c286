"""Window, bin and crop arithmetic: which bins a window owns. Pure integers, no I/O.

Bins lie on a fixed grid: bin k of a contig covers [k * bin, min(k * bin + span, contig length)).
The span is the bin, but for values that lie further apart than a window is long: these stand for
their window, and the bases between windows belong to no bin.
Windows lie on a fixed grid too: window w of a contig owns the bins [w * owned, (w + 1) * owned).
So a bin's value depends on the contig and on the geometry alone, never on what else is predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genometracks.common.intervals import EMPTY, merge_intervals
from genometracks.errors import UserError


@dataclass(frozen=True)
class Geometry:
    """What a window reads and owns.

    Attributes
    ----------
    window : int
        Base pairs read by one forward pass.
    bin : int
        Base pairs from bin to bin.
    span : int
        Base pairs that a bin covers, at most `bin`.
    length : int
        Bins that a forward pass puts out.
    lead : int
        Base pairs from the window's start to its first output bin (the crop; for a model of one
        value a window, what centres the stride).
    trim : int
        Output bins at each end that the window does not own.
    blend : int
        Bins on each side of the border of neighbouring windows over which one hands over to the
        other; at most `trim`, so that both predict them.
    room : int or None
        Bins by which a window that reaches past a contig's end may be moved inwards, so that all
        that is wanted of it stays in its output; None: it stays on the grid, and reads N.
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

    def starts(self, first: int, last: int) -> np.ndarray:
        """Start (bp, may be negative) of each window in [first, last), if it is not moved."""
        windows = np.arange(first, last, dtype=np.int64)
        return windows * (self.owned * self.bin) - self.lead - self.trim * self.bin

    def shifts(self, first: int, last: int, *, length: int) -> np.ndarray:
        """Bins by which each window in [first, last) of a contig is moved, > 0 to the right.

        A window moves until all of it is inside, its room is used up, or its other end meets the
        contig's. Leftwards there is more room for the contig's last window: the bins that it
        would own if the contig went on.

        Parameters
        ----------
        first, last : int
            Windows of the contig.
        length : int
            Of the contig, bp.

        Returns
        -------
        int64 array (last - first,)
        """
        if self.room is None:
            return np.zeros(last - first, np.int64)
        # Whole bins between the window's ends and the contig's; negative: that many stick out.
        starts = self.starts(first, last)
        left = starts // self.bin
        right = (length - starts - self.window) // self.bin
        bins = count_bins(length, self.bin)
        spare = np.maximum(np.arange(first + 1, last + 1) * self.owned - bins, 0)
        rightwards = np.minimum(np.minimum(-left, right), self.room)
        leftwards = np.minimum(np.minimum(-right, left), self.room + spare)
        return np.maximum(rightwards, 0) - np.maximum(leftwards, 0)

    def padded_windows(self, *, length: int) -> np.ndarray:
        """Runs of windows of a contig of `length` bp that read past its ends.

        Returns
        -------
        int64 array (n, 2)
            Windows [first, last), ascending.
        """
        step, start = self.owned * self.bin, int(self.starts(0, 1)[0])
        windows = count_bins(length, step)
        # On the grid, windows from `inside` on start in the contig, those from `outside` end past
        # it; all between are whole, however long the contig.
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
    measured: dict,
    *,
    stride: int | None,
    trim: int,
    blend: int = 0,
    edges: str = "pad",
    shifts: Sequence[int] = (0,),
) -> Geometry:
    """Turn a model's measured geometry and the user's settings into window arithmetic.

    Parameters
    ----------
    measured : dict
        `window`, `bin` (None for one value a window), `crop`, `length`.
    stride : int or None
        Base pairs between the values of a model that gives one a window. A value stands for the
        stride at its window's centre, or for its window where the stride is longer.
    trim : int
        Bins cut from each end of every window.
    blend : int
        Bins on each side of a border over which windows are blended.
    edges : str
        `pad` or `slide`: what becomes of windows that reach past a contig's ends.
    shifts : sequence of int
        Base pairs by which a window's contributions are moved. They are averaged to one output:
        its window is all that they read, and it has the bins that all of them give.

    Raises
    ------
    UserError
        If stride, trim, blend or shifts do not suit the model.
    """
    window, size = measured["window"], measured["bin"]
    if size is None:
        if stride is None:
            raise UserError(
                "prediction.stride: the model gives one value a window of "
                f"{window} bp: set the base pairs between windows, e.g. {min(window, 64)}"
            )
        size, lead = stride, max(window - stride, 0) // 2
    else:
        if stride is not None:
            raise UserError(
                f"prediction.stride: only for models of one value a window; this one has bins of "
                f"{size} bp: remove the key"
            )
        lead = measured["crop"] * size
    halo = count_halo(shifts, size)
    if 2 * halo >= measured["length"]:
        worst = max(shifts, key=abs)
        most = size * ((measured["length"] + 1) // 2) - 1
        raise UserError(
            f"prediction.shifts: {worst} bp are {halo} bins; at both ends of a window, that leaves "
            f"none of the model's {measured['length']}: use at most {most} bp"
        )
    measured = {**measured, "length": measured["length"] - 2 * halo}
    if 2 * trim >= measured["length"]:
        raise UserError(
            f"prediction.trim: {trim} bins at each end leave nothing of the model's "
            f"{measured['length']}: use at most {(measured['length'] - 1) // 2}"
        )
    _check_blend(measured["length"] - 2 * trim, trim=trim, blend=blend)
    span = min(size, window)
    room = trim - blend if edges == "slide" else None
    window += max(shifts) - min(shifts)
    lead += halo * size - min(shifts)
    return Geometry(window, size, span, measured["length"], lead, trim, blend, room)


def count_halo(shifts: Sequence[int], size: int) -> int:
    """Bins at each end of the output that shifted windows do not all give.

    Whole bins of a shift are undone, what is left of it stays.
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


def count_bins(length: int, size: int) -> int:
    """Bins of a contig of `length` bp, the last, partial one included."""
    return -(-length // size)


def find_segments(
    length: int, gaps: np.ndarray, size: int, *, span: int | None = None
) -> np.ndarray:
    """Runs of bins that hold at least one base outside of the gaps.

    Parameters
    ----------
    length : int
        Contig length in bp.
    gaps : int array (n, 2)
        Maximal runs of bases that no bin may consist of, bp, ascending.
    size : int
        Bp from bin to bin.
    span : int, optional
        Bp that a bin covers; by default `size`.

    Returns
    -------
    int64 array (m, 2)
        Bins [first, last), ascending, not touching each other.
    """
    total = count_bins(length, size)
    gaps = np.asarray(gaps, dtype=np.int64).reshape(-1, 2)
    first = -(-gaps[:, 0] // size)
    last = (gaps[:, 1] - (span or size)) // size + 1
    last[gaps[:, 1] == length] = total  # the contig's end cuts its last bin
    absent = first < last
    edges = np.concatenate([[0], np.column_stack([first, last])[absent].ravel(), [total]])
    segments = edges.reshape(-1, 2)
    return segments[segments[:, 0] < segments[:, 1]]


def find_touched(intervals: np.ndarray, size: int, *, span: int) -> np.ndarray:
    """Runs of bins that hold at least one base of the intervals.

    Parameters
    ----------
    intervals : int array (n, 2)
        Bp, ascending.
    size, span : int
        Bp from bin to bin, and bp that a bin covers.

    Returns
    -------
    int64 array (m, 2)
        Bins [first, last), ascending, not touching each other.
    """
    first = (intervals[:, 0] - span) // size + 1
    last = -(-intervals[:, 1] // size)
    touched = first < last  # else the interval lies between two bins
    return merge_intervals(np.column_stack([first, last])[touched])


def find_window_runs(segments: np.ndarray, owned: int) -> np.ndarray:
    """Runs of windows that own at least one bin of the segments.

    Parameters
    ----------
    segments : int array (n, 2)
        Bins [first, last) of one contig, ascending.
    owned : int
        Bins a window owns.

    Returns
    -------
    int64 array (m, 2)
        Windows [first, last), ascending; runs that touch are joined.
    """
    first = segments[:, 0] // owned
    last = -(-segments[:, 1] // owned)
    if not len(first):
        return np.empty((0, 2), np.int64)
    apart = first[1:] > last[:-1]
    return np.column_stack([first[np.r_[True, apart]], last[np.r_[apart, True]]])


def own_bins(segments: np.ndarray, first: int, last: int) -> np.ndarray:
    """Cut the segments of a contig to the bins [first, last): int64 array (m, 2)."""
    low = np.searchsorted(segments[:, 1], first, side="right")
    high = np.searchsorted(segments[:, 0], last, side="left")
    return np.clip(segments[low:high], first, last)
