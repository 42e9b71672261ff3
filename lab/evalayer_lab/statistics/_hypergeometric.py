"""The upper tail of the hypergeometric distribution, for many tests at once."""

from __future__ import annotations

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
