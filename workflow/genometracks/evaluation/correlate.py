"""Pearson's and Spearman's correlation of two arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata


def correlate(predicted: npt.ArrayLike, observed: npt.ArrayLike) -> tuple[float, float]:
    """Pearson's and Spearman's correlation, computed in float64.

    Parameters
    ----------
    predicted, observed : array (n,)
        Finite values.

    Returns
    -------
    pearson, spearman : float
        Ties get their average rank. Both are NaN where n < 2 or where either side is constant.

    Examples
    --------
    >>> pearson, spearman = correlate([1, 2, 3, 4], [1, 2, 3, 10])
    >>> round(pearson, 4), round(spearman, 4)
    (0.8854, 1.0)
    """
    x, y = np.asarray(predicted, np.float64), np.asarray(observed, np.float64)
    if len(x) < 2 or x.min() == x.max() or y.min() == y.max():
        return float("nan"), float("nan")
    return _pearson(x, y), _pearson(rankdata(x), rankdata(y))


def _pearson(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> float:
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt(x @ x) * np.sqrt(y @ y)
    return float(np.clip(x @ y / scale, -1.0, 1.0)) if scale > 0 else float("nan")
