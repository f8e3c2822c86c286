"""How many channels the convolutions of a tower have."""

import math

from grelu_models.errors import ModelError

__all__ = ["grow_channels"]


def grow_channels(first: int, last: int, *, blocks: int, divisible_by: int) -> list[int]:
    """Channels of `blocks` blocks, growing by a constant factor from `first` to `last`.

    Each is rounded to the nearest multiple of `divisible_by` (a tie to the even one).
    """
    if blocks == 1:
        raise ModelError("n_conv must not be 2: channels cannot grow over a single block")
    factor = math.exp(math.log(last / first) / (blocks - 1)) if blocks else 1
    return [round(first * factor**i / divisible_by) * divisible_by for i in range(blocks)]
