"""Arrays of numpy and of Arrow, exchanged by their buffers.

Arrow's own conversions import pandas, which takes longer than a query.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Number = TypeVar("Number", bound=np.generic)

KINDS = {
    np.dtype(np.int64): pa.int64(),
    np.dtype(np.float32): pa.float32(),
    np.dtype(np.float64): pa.float64(),
}


def as_numpy(array: pa.Array, kind: type[Number]) -> npt.NDArray[Number]:
    """Values of an Arrow array; ValueError if it is of another type or has nulls."""
    dtype = np.dtype(kind)
    if array.type != KINDS[dtype] or array.null_count:
        raise ValueError("a column is not of the type that was written")
    if not len(array):
        return np.empty(0, dtype)
    found: npt.NDArray[Number] = np.frombuffer(
        array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize
    )
    return found


def as_arrow(
    values: npt.NDArray[np.generic], *, empty: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Make an Arrow array of values (n,); those where `empty` is True become null."""
    bits = None if empty is None else pa.py_buffer(np.packbits(~empty, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(KINDS[values.dtype], len(values), [bits, data])


def repeat_text(word: str, count: int) -> pa.Array:
    """Make an Arrow array of `count` equal strings."""
    data = word.encode()
    ends = (np.arange(count + 1) * len(data)).astype(np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data * count)]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def as_text(words: Sequence[str]) -> pa.Array:
    """Make an Arrow array of strings."""
    encoded = [word.encode() for word in words]
    ends = np.fromiter(accumulate(map(len, encoded), initial=0), np.int32, len(encoded) + 1)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)
