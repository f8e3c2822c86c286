"""Channels of the convolutions of a tower."""

import math

from grelu_models.errors import ModelError

__all__ = ["grow_channels"]


def grow_channels(first: int, last: int, *, blocks: int, divisible_by: int) -> list[int]:
    """Channels of each block, growing by a constant factor from `first` to `last`.

    Parameters
    ----------
    first, last : int
        Channels of the first and of the last block.
    blocks : int
    divisible_by : int
        Every number is rounded to the nearest multiple of this one, or to the even multiple if two
        are equally near.

    Raises
    ------
    ModelError
        If there is a single block.

    Examples
    --------
    >>> grow_channels(608, 1536, blocks=6, divisible_by=32)
    [608, 736, 896, 1056, 1280, 1536]
    """
    if blocks == 1:
        raise ModelError("n_conv must not be 2: channels cannot grow over a single block")
    factor = math.exp(math.log(last / first) / (blocks - 1)) if blocks else 1
    return [round(first * factor**i / divisible_by) * divisible_by for i in range(blocks)]
