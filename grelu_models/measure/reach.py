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

from collections.abc import Generator
from typing import NamedTuple

from grelu_models.errors import ModelError
from grelu_models.geometry import Geometry
from grelu_models.measure.grid import ADVICE
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

TESTS = 3
"""Neighbouring periods at which a period is tested."""

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
        the first or the last base of the window, or the outputs have no period, or too few outputs
        read between the window's ends to tell. Circular padding counts as an end of the window.

    Raises
    ------
    ModelError
        If a bin does not read any of its own bases.
    """
    found = _run_both(
        influence,
        _find_flank(geometry, period),
        _find_flank(geometry, period),
    )
    if found is not None and geometry.bin is not None and min(found) <= -geometry.bin:
        raise ModelError(
            f"window {geometry.window}: the model gives {geometry.length} bins of {geometry.bin} "
            f"bp, which do not read the bases of their own places: {ADVICE}"
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


def _find_flank(geometry: Geometry, period: int) -> Search:
    """Search the flank of one side."""
    counts = _Counts(geometry)
    first = yield from counts.find_start()
    if counts.known[first] == geometry.length:
        return None
    assert geometry.bin is not None
    longest = max(period, geometry.length // 4 * geometry.bin)  # several are in the window
    for divisor in range(period, longest + 1, period):
        if geometry.window % divisor == 0 and (yield from counts.search(first, divisor)):
            return counts.flank(counts.best())
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

    def search(self, first: int, period: int) -> Generator[Question, int, bool]:
        """Find the k of the largest flank, and whether outputs repeat with a period in bp."""
        start, step = self.known[first], period // self.bin
        length, window = self.geometry.length, self.geometry.window
        if start + (TESTS + 2) * step > length:  # no room for tests: search the whole window
            self.alone = True
            found = yield from self._bisect(first, window, length)
            return found and self.flank(self.best()) - self.flank(first) < period
        # So far that only the outputs at the other end do not depend on it: no base between is
        # read by all. As many as `start` of them may differ, because they read past the end.
        far = max(length - 1 - 2 * start, step) // step
        if not (yield from self._repeats(first, period, far, alone=True)):
            return False
        if not (yield from self._bisect(first, first + period, start + step)):
            return False
        # In the next periods, no output is influenced earlier either.
        before = self.best() - 1 if self.best() > first else self.best() - 1 + period
        yield from self.ask(before)
        for times in range(1, 1 + TESTS):
            if not (yield from self._repeats(before, period, times)):
                return False
        return True

    def best(self) -> int:
        """The k with the largest flank."""
        return max((k for k, count in self.known.items() if count), key=self.flank)

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

    def _repeats(
        self, k: int, period: int, times: int, *, alone: bool = False
    ) -> Generator[Question, int, bool]:
        """Whether A is as much larger as it must be some periods further; True beyond its end."""
        expected = self.known[k] + times * (period // self.bin)
        if expected >= self.geometry.length:
            return True
        self.alone = alone
        found = yield from self.ask(k + times * period)
        self.alone = False
        return found == expected
