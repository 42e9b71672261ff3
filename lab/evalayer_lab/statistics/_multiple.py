"""Several tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def benjamini_hochberg(p_values: Sequence[float | None] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values of several tests, so that calling those up to q different keeps the false share at most q.

    With the m tests sorted by p, the adjusted value of the i-th is the least of p_(k) m / k over k >= i, at most 1:
    Y. Benjamini and Y. Hochberg (1995), "Controlling the false discovery rate", JRSS B 57. It holds for independent
    and for positively dependent tests.

    Args:
        p_values: shape (tests,), each from 0 to 1. None or NaN is a test that could not be made: it stays NaN and
            does not count as one of the m.

    Returns:
        The adjusted values in the order of the tests, shape (tests,).

    Raises:
        ValueError: a p-value is not between 0 and 1.

    >>> benjamini_hochberg([0.01, 0.04, None, 0.03]).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    values = np.array(p_values, dtype=np.float64)  # None becomes NaN
    if values.ndim != 1:
        raise ValueError(f"p_values must be a vector, not of shape {values.shape}")
    made = np.flatnonzero(~np.isnan(values))
    known = values[made]
    if np.any((known < 0) | (known > 1)):
        raise ValueError("p_values must lie between 0 and 1")
    order = np.argsort(known)[::-1]
    ranks = np.arange(len(known), 0, -1)
    values[made[order]] = np.minimum.accumulate(np.minimum(known[order] * len(known) / ranks, 1.0))
    return values
