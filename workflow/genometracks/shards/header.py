"""The .npy header of a shard's data."""

import io
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=16)  # thousands of shards have the same header, and NumPy is slow to write it
def pack_header(dtype: str, shape: tuple[int, int]) -> bytes:
    """Make the header of a C-order array. Headers are compared, never parsed."""
    header = io.BytesIO()
    form = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, form)
    return header.getvalue()
