"""The upper tail of the hypergeometric distribution, for many tests at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]

_HALF_LOG_TAU: Final = 0.5 * np.log(2 * np.pi)
_SERIES: Final = 16  # from here on Stirling's series is exact to the last digits
_NEGLIGIBLE: Final = 1e-17


def hypergeometric_tail(hits: Counts, population: Counts, successes: Counts, draws: Counts) -> Floats:
    """P(X >= hits), X the successes among `draws` of `population` without replacement, each of shape (n,).

    For tails beyond the mean: the first probability is computed by saddle points, without the cancellation of large
    factorials (C. Loader, 2000, "Fast and accurate computation of binomial probabilities"), and the others by their
    ratios, which fall from there on.

    Args:
        hits: above the expected successes.
        population: of each test.
        successes: in the population.
        draws: from the population.
    """
    x, n = hits.astype(np.float64), population.astype(np.float64)
    k, m = successes.astype(np.float64), draws.astype(np.float64)
    possible = hits <= np.minimum(successes, draws)
    total = np.zeros(len(x))
    left = np.flatnonzero(possible)
    x, n, k, m = x[left], n[left], k[left], m[left]
    share = m / n
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.exp(_log_binomial(x, k, share) + _log_binomial(m - x, n - k, share) - _log_binomial(m, n, share))
    total[left] = first
    term = first
    while len(left):
        term = term * (k - x) * (m - x) / ((x + 1) * (n - k - m + x + 1))
        total[left] += term
        going = term > _NEGLIGIBLE * total[left]
        left, x, n, k, m, term = left[going], x[going] + 1, n[going], k[going], m[going], term[going]
    return np.minimum(total, 1.0)


def _log_binomial(x: Floats, n: Floats, p: Floats) -> Floats:
    """The logarithm of the probability of x successes among n."""
    y = n - x
    inner = (
        _error(n)
        - _error(x)
        - _error(y)
        - _deviance(x, n * p)
        - _deviance(y, n * (1 - p))
        + 0.5 * np.log(n / (2 * np.pi * x * y))
    )
    return np.where(x == 0, n * np.log1p(-p), np.where(y == 0, n * np.log(p), inner))


def _error(n: Floats) -> Floats:
    """The logarithm of n! less Stirling's approximation of it."""
    inverse = 1 / np.maximum(n, 1.0)
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square * (1 / 1188)))))
    small = np.minimum(n, _SERIES)
    exact = gammaln(small + 1) - (small + 0.5) * np.log(np.maximum(small, 0.5)) + small - _HALF_LOG_TAU
    return np.where(n < _SERIES, exact, series)


def _deviance(x: Floats, mean: Floats) -> Floats:
    """Compute x log(x / mean) + mean - x without cancellation where x is near the mean."""
    ratio = (x - mean) / (x + mean)
    near = np.abs(ratio) < 0.1
    small = np.where(near, ratio, 0.0)
    square = small * small
    series = np.zeros_like(small)
    for power in range(17, 1, -2):
        series = (series + 1 / power) * square
    close = (x - mean) * small + 2 * x * small * series
    return np.where(near, close, x * np.log(x / mean) + mean - x)


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
