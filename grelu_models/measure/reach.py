"""Flanks of a bin of any model: how far left and right it reads.

If the outer `k` bases of a side influence the outputs up to number A(k) (`Influence.count`), the
last of these reads a base at a distance below k from the window's end, and its own bin begins at
(A(k) - 1 + crop) * bin. Its flank is therefore at least

    (A(k) - 1 + crop) * bin - (k - 1),

and the largest of these values over all k is the flank. Outputs repeat with a period: one bin, or
more where positions are pooled and repeated again (U-nets). So one period of k suffices. It is
searched by bisection, because A does not decrease: between two k of equal A, nothing is larger.
The period is a hypothesis, which is tested at other places of the window.
"""

import math
from collections.abc import Generator
from typing import NamedTuple

from grelu_models.errors import ModelError
from grelu_models.geometry import Geometry
from grelu_models.measure.influence import Influence, Side

__all__ = ["find_reach"]


class Question(NamedTuple):
    """Asks for A(k) of one side; `alone` in a forward pass of its own.

    Both sides share a pass where an error would be found: outputs that the left side influences
    might count for the right side, if there are others between them that it does not influence.
    """

    k: int
    alone: bool


Search = Generator[Question, int, int | None]
"""Asks questions by yielding them; returns the flank, or None if it is not known."""

MOST = 200
"""Values of A(k) that are asked for, before the flank counts as not known."""


def find_reach(influence: Influence, geometry: Geometry, *, period: int) -> tuple[int, int] | None:
    """Count the base pairs left and right of a bin that influence its value.

    Parameters
    ----------
    influence : Influence
    geometry : Geometry
        Of a model with bins.
    period : int
        Smallest period to try, in bp, a multiple of the bin.

    Returns
    -------
    (int, int) or None
        Negative for a side on which a part of the bin itself is not read. None if all outputs read
        the first or the last base of the window, or the outputs have no period.

    Raises
    ------
    ModelError
        If a bin does not read any of its own bases.
    """
    found = _run_both(
        influence,
        _find_flank(geometry, period, place=0),
        _find_flank(geometry, period, place=1),
    )
    if found is not None and geometry.bin is not None and min(found) <= -geometry.bin:
        raise ModelError(
            f"window {geometry.window}: the model gives {geometry.length} bins of {geometry.bin} "
            "bp, which do not read the bases of their own places: let the model drop as many bins "
            "at one end as at the other"
        )
    return found


def _run_both(influence: Influence, left: Search, right: Search) -> tuple[int, int] | None:
    """Run the searches of both sides in step, so that they share forward passes."""
    searches: dict[Side, Search] = {"left": left, "right": right}
    asked = {side: next(search) for side, search in searches.items()}
    flanks: dict[Side, int] = {}
    while asked:
        if len(asked) == 2 and not any(question.alone for question in asked.values()):
            influence.count_both(asked["left"].k, asked["right"].k)
        for side, question in list(asked.items()):
            try:
                asked[side] = searches[side].send(influence.count(side, question.k))
            except StopIteration as end:
                if end.value is None:
                    return None
                flanks[side] = end.value
                del asked[side]
    return flanks["left"], flanks["right"]


def _find_flank(geometry: Geometry, period: int, *, place: int) -> Search:
    """Search the flank of one side; `place` makes the tests of the two sides different."""
    counts = _Counts(geometry)
    first = yield from counts.find_start()
    if counts.known[first] == geometry.length:
        return counts.flank(first) if first > 1 else None
    for divisor in range(period, geometry.window + 1, period):
        if geometry.window % divisor == 0 and (yield from counts.search(first, divisor, place)):
            return max(counts.flank(k) for k, count in counts.known.items() if count)
        if len(counts.known) > MOST:
            break
    return None


class _Counts:
    """The known A(k) of one side, and the k at which it grows."""

    def __init__(self, geometry: Geometry) -> None:
        assert geometry.bin is not None
        self.geometry, self.bin = geometry, geometry.bin
        self.known: dict[int, int] = {}
        self.alone = False

    def ask(self, k: int) -> Generator[Question, int, int]:
        """Return A(k)."""
        if k not in self.known:
            self.known[k] = yield Question(k, self.alone)
        return self.known[k]

    def flank(self, k: int) -> int:
        """The flank of the last output that the outer k bases influence."""
        return (self.known[k] - 1 + self.geometry.crop) * self.bin - (k - 1)

    def find_start(self) -> Generator[Question, int, int]:
        """Find a small k with A(k) > 0; the smallest if all outputs depend on it."""
        window = self.geometry.window
        if (yield from self.ask(1)):
            return 1
        low, high = 1, (self.geometry.crop + 1) * self.bin
        while not (yield from self.ask(high)):
            if high == window:
                raise ModelError(f"window {window}: the outputs do not depend on the bases")
            low, high = high, min(2 * high, window)
        if self.known[high] < self.geometry.length:
            return high
        while high - low > 1:
            middle = (low + high) // 2
            if (yield from self.ask(middle)):
                high = middle
            else:
                low = middle
        return high

    def search(self, first: int, period: int, place: int) -> Generator[Question, int, bool]:
        """Find the k of the largest flank, and whether outputs repeat with a period in bp."""
        start, step = self.known[first], period // self.bin
        if start + 2 * step >= self.geometry.length:  # no room for tests: search the whole window
            self.alone = True
            return (yield from self._bisect(first, self.geometry.window, self.geometry.length))
        if not (yield from self._repeats(first, period, place)):
            return False
        if not (yield from self._bisect(first, first + period, start + step)):
            return False
        best = max((k for k, count in self.known.items() if count), key=self.flank)
        if best + period > self.geometry.window:
            return True
        before = best - 1 if best > first else best - 1 + period
        for k in (best, before) if before in self.known else (best,):
            if not (yield from self._repeats(k, period, place + 2)):
                return False
        return True

    def _bisect(self, low: int, high: int, most: int) -> Generator[Question, int, bool]:
        """Find the largest flank between two k, where A(high) is `most`."""
        largest = self.flank(low)
        parts = [(low, self.known[low], high, most)]
        while parts:
            low, least, high, most = parts.pop()
            bound = (most - 1 + self.geometry.crop) * self.bin - low
            if least == most or high - low < 2 or bound <= largest:
                continue
            if len(self.known) > MOST:
                return False
            middle = (low + high) // 2
            count = yield from self.ask(middle)
            if not least <= count <= most:
                return False
            largest = max(largest, self.flank(middle))
            parts += [(low, least, middle, count), (middle, count, high, most)]
        return True

    def _repeats(self, k: int, period: int, place: int) -> Generator[Question, int, bool]:
        """Whether A grows as it must, some periods further."""
        step = period // self.bin
        room = self.geometry.length - 1 - self.known[k]
        # A third of the free outputs: the other side's test needs as much, in the same pass.
        times = _choose_times(max((room - self.known[k]) // (3 * step), room // step and 1), place)
        if not times:
            return True
        # Not times a divisor of the window: it might be a period of its own.
        found = yield from self.ask(k + times * period)
        return found == self.known[k] + times * step


def _choose_times(most: int, place: int) -> int:
    """The (`place` + 1)th number from `most` downwards that has no small prime factor."""
    numbers = [n for n in range(most, max(0, most - 200), -1) if math.gcd(n, 30030) == 1] or [most]
    return numbers[min(place, len(numbers) - 1)]
