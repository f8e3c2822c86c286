"""Bin and crop of any model: where its outputs lie in the window.

A model that gives n bins for a window of L bp, and drops c bins at each end, has bins of b bp with
`L == b * (n + 2 * c)`. The number of outputs leaves a few candidates (b, c). How n grows with the
window decides between them: by one bin per b bp. Where a model accepts one window only, it is
decided by what its outputs read, or at last by the user.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import nn

from grelu_models.errors import ModelError
from grelu_models.geometry import Geometry
from grelu_models.measure.forward import Shape, make_bases, predict_shape, run
from grelu_models.measure.influence import Influence, Side

__all__ = ["Grid", "check_stated", "find_grid"]

ADVICE = "let the model drop as many bins at the start of the window as at its end"

KEY = "model.bin"
"""Config key by which a user states the bin."""


@dataclass(frozen=True)
class Grid:
    """Geometry of a model, and how far it was measured.

    Attributes
    ----------
    geometry : Geometry
    period : int
        Smallest period with which the outputs may repeat, in bp.
    assumed : bool
        Whether the bin is neither measured nor stated, but the only one that the window allows.
    """

    geometry: Geometry
    period: int
    assumed: bool = False


class Uneven(Exception):
    """The number of outputs does not grow by whole bins; the text says how it grows."""


def find_grid(influence: Influence, *, bin: int | None) -> Grid:
    """Find the bin and the crop of a model.

    Parameters
    ----------
    influence : Influence
    bin : int or None
        Base pairs per bin as the user states them: used where they cannot be measured.

    Raises
    ------
    ModelError
        If the window does not fit the model, the outputs cannot be placed in the window, or the bin
        cannot be found or is not the stated one.
    """
    model, window = influence.model, influence.window
    on_meta = predict_shape(model, window)
    shape = on_meta or influence.shape
    if shape.bins == 1:
        check_stated(bin, None, window=window)
        return Grid(Geometry(window, None, 0, 1, shape.tracks), window)
    candidates = _list_bins(window, shape.bins)
    found, uneven = None, ""
    try:
        found = _find_bin(influence, shape, candidates, on_meta=on_meta is not None)
    except Uneven as error:
        uneven = str(error)
    size = _decide(window, shape, candidates, found=found, stated=bin, why=uneven)
    geometry = Geometry(window, size, (window // size - shape.bins) // 2, shape.bins, shape.tracks)
    period = _find_period(model, geometry) if on_meta else size
    return Grid(geometry, period, assumed=found is None and bin is None)


def check_stated(stated: int | None, measured: int | None, *, window: int) -> None:
    """Raise ModelError if a user states another bin than that which was measured."""
    if stated is None or stated == measured:
        return
    if measured is None:
        raise ModelError(
            f"{KEY}: the model gives one value per window of {window} bp: remove the key"
        )
    raise ModelError(
        f"{KEY}: {stated} bp are stated, but the model has bins of {measured} bp: remove the key"
    )


def _list_bins(window: int, bins: int) -> list[int]:
    """List the sizes of bins that leave as many whole bins at both ends of the window."""
    return [
        size
        for size in range(1, window // bins + 1)
        if window % size == 0 and (window // size - bins) % 2 == 0
    ]


def _find_bin(
    influence: Influence, shape: Shape, candidates: list[int], *, on_meta: bool
) -> int | None:
    """Measure the bin; None if it cannot be measured."""
    model, window = influence.model, influence.window
    lengths = [2 * window, *([window // 2] if window % 2 == 0 else [])]

    def grow(shape_at: Callable[[int], Shape | None]) -> int | None:
        return _read_growth(shape_at, shape, candidates, window=window, lengths=lengths)

    if on_meta:
        found = grow(lambda length: predict_shape(model, length))
        if found is not None:
            _check_growth(model, shape, found, window=window)
            return found
    found = influence.ask(_read_slope)
    if found is not None or on_meta or len(candidates) < 2:
        return found
    return grow(lambda length: _run_shape(model, length))


def _run_shape(model: nn.Module, window: int) -> Shape | None:
    """Find the shape of the output at a window by a real forward pass; None if it does not fit."""
    try:
        return Shape(*run(model, make_bases(model, window, seed=0)).shape[1:])
    except ModelError:
        return None


def _read_growth(
    shape_at: Callable[[int], Shape | None],
    shape: Shape,
    candidates: list[int],
    *,
    window: int,
    lengths: list[int],
) -> int | None:
    """Find the base pairs per additional output in windows of other lengths."""
    for length in lengths:
        other = shape_at(length)
        if other is None or other == shape:
            continue
        if other.tracks != shape.tracks:
            raise ModelError(
                f"the number of tracks grows with the window ({shape.tracks} at {window} bp, "
                f"{other.tracks} at {length} bp): the model must return (1, tracks, bins), not "
                "(1, bins, tracks)"
            )
        size, rest = divmod(length - window, other.bins - shape.bins)
        doubled = length == 2 * window
        if size > 0 and not rest and (doubled or size in candidates):
            return size
        if doubled:  # a multiple of all that the window is a multiple of
            raise Uneven(f"{shape.bins} at {window} bp, {other.bins} at {length} bp")
    return None


def _check_growth(model: nn.Module, shape: Shape, size: int, *, window: int) -> None:
    """Raise Uneven if a window, so long that one base pair in a bin shows, has other bins.

    Pools that drop the rest of a window may give a number of outputs that divides the window.
    """
    length = window * (2 + 2 * size // shape.bins)
    other = predict_shape(model, length)
    if other is not None and (other.bins - shape.bins) * size != length - window:
        raise Uneven(f"{shape.bins} at {window} bp, {other.bins} at {length} bp")


def _read_slope(influence: Influence) -> int | None:
    """Find the bin by the first bases that two distant outputs read; None if they read them all."""
    sides: tuple[Side, Side] = ("left", "right")
    for side in sides:
        first = influence.count(side, 1)
        rest = influence.shape.bins - 1 - first
        if rest < 2:
            continue
        apart = 1 << (rest.bit_length() - 1)  # whole periods, if pools are powers of 2
        begins = [_find_begin(influence, side, output) for output in (first, first + apart)]
        size, uneven = divmod(begins[1] - begins[0], apart)
        if not uneven and size > 0:
            return size
    return None


def _find_begin(influence: Influence, side: Side, output: int) -> int:
    """Find the smallest k at which the outer k bases influence an output or a later one."""
    low, high = 0, influence.window
    while high - low > 1:
        middle = (low + high) // 2
        if influence.count(side, middle) > output:
            high = middle
        else:
            low = middle
    return high


def _decide(
    window: int,
    shape: Shape,
    candidates: list[int],
    *,
    found: int | None,
    stated: int | None,
    why: str,
) -> int:
    """Choose the bin of what was found and stated, or raise ModelError."""
    if found is not None:
        _check_place(window, shape, candidates, found, where=f"window {window}")
        check_stated(stated, found, window=window)
        return found
    if stated is not None:
        _check_place(window, shape, candidates, stated, where=KEY)
        return stated
    if not candidates:
        raise ModelError(
            f"window {window}: the model gives {shape.bins} bins, which cannot be centred in the "
            f"window, whatever their size: {ADVICE}"
        )
    if len(candidates) == 1 and not why:
        return candidates[0]
    if why:
        raise ModelError(
            f"window {window}: the number of bins does not grow in proportion to the window "
            f"({why}): use a window that is a multiple of what the model pools, or give {KEY}"
        )
    known = ", ".join(map(str, candidates))
    raise ModelError(
        f"window {window}: the model gives {shape.bins} bins, and their size cannot be measured: "
        f"give {KEY} in base pairs, one of {known}"
    )


def _check_place(
    window: int, shape: Shape, candidates: list[int], size: int, *, where: str
) -> None:
    """Raise ModelError if bins of a size do not leave as many bins at both ends of the window."""
    if size in candidates:
        return
    rest = window - size * shape.bins
    if rest < 0:
        raise ModelError(
            f"{where}: {shape.bins} bins of {size} bp are longer than the window of {window} bp: "
            f"{ADVICE}"
        )
    raise ModelError(
        f"{where}: {shape.bins} bins of {size} bp leave {rest} of {window} bp, which is not the "
        f"same number of whole bins at both ends: {ADVICE}"
    )


def _find_period(model: nn.Module, geometry: Geometry) -> int:
    """Find the shortest extension of the window, in bp, that gives as many more bins."""
    size = geometry.bin
    assert size is not None
    for period in _list_divisors(geometry.window, size):
        shape = predict_shape(model, geometry.window + period)
        if shape == (geometry.tracks, geometry.length + period // size):
            return period
    return size


def _list_divisors(number: int, smallest: int) -> Iterator[int]:
    return (n for n in range(smallest, number + 1, smallest) if number % n == 0)
