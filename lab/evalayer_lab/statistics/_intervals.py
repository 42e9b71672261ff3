"""Intervals of proportions and means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with what is known of its precision.

    Attributes:
        value: the estimate; None where no row was scored. Never 0.0 for want of data.
        low: lower end of the interval; None where the data give none.
        high: upper end of the interval; None where the data give none.
        level: confidence level of the interval, between 0 and 1.
        method: how the interval was computed, as "wilson" or "bootstrap".
        n: rows the estimate stands on.
        n_unscored: rows that should have had a score and have none; they are not in `value`.
        seed: of the resampling (PCG64); None where nothing was resampled.
        resamples: how many were drawn; None where nothing was resampled.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    n: int
    n_unscored: int
    seed: int | None = None
    resamples: int | None = None


def wilson_interval(successes: int, n: int, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate a proportion, with the Wilson score interval.

    With p = successes / n and z the normal quantile of (1 + level) / 2, the ends are
    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n): E. B. Wilson (1927), "Probable inference, the law of
    succession, and statistical inference", JASA 22. It stays within [0, 1] and has no zero width at 0 or 1.

    Args:
        successes: rows that count as 1, from 0 to n.
        n: scored rows. With 0 the value and both ends are None.
        level: confidence level.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: an argument is outside its range.

    >>> estimate = wilson_interval(8, 10)
    >>> estimate.value, round(estimate.low, 3), round(estimate.high, 3)
    (0.8, 0.49, 0.943)
    """
    _check(n, n_unscored, level)
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be from 0 to n={n}, not {successes}")
    if n == 0:
        return Estimate(None, None, None, level, "wilson", 0, n_unscored)
    share = successes / n
    z = float(ndtri((1 + level) / 2))
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Estimate(share, low, high, level, "wilson", n, n_unscored)


def mean_interval(values: ArrayLike, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate a mean, with Student's t interval: mean ± t_{n-1} s / √n, s with ddof=1.

    The mean is of the exact sum, rounded once. One value has a mean and no interval. Values that are all equal
    give an interval of zero width, which says that the sample shows no spread, not that the mean is known.

    Args:
        values: the scored rows, shape (n,), finite. With none, the value and both ends are None.
        level: confidence level.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: the values are not a vector of finite numbers, or an argument is outside its range.

    >>> estimate = mean_interval([1.0, 2.0, 3.0])
    >>> estimate.value, round(estimate.low, 3), round(estimate.high, 3)
    (2.0, -0.484, 4.484)
    """
    vector = _vector(values)
    n = len(vector)
    _check(n, n_unscored, level)
    if n == 0:
        return Estimate(None, None, None, level, "student-t", 0, n_unscored)
    mean = _mean(vector)
    if n == 1:
        return Estimate(mean, None, None, level, "student-t", 1, n_unscored)
    with np.errstate(over="ignore", invalid="ignore"):
        half = float(stdtrit(n - 1, (1 + level) / 2) * np.sqrt(np.sum((vector - mean) ** 2) / (n - 1) / n))
    if not math.isfinite(mean - half) or not math.isfinite(mean + half):  # beyond what a double can hold
        return Estimate(mean, None, None, level, "student-t", n, n_unscored)
    return Estimate(mean, mean - half, mean + half, level, "student-t", n, n_unscored)


def score_interval(values: ArrayLike, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate the mean of a row metric: Wilson where every value is 0 or 1 (a proportion), Student's t otherwise.

    Args:
        values: the scored rows, shape (n,), finite.
        level: confidence level.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: the values are not a vector of finite numbers, or an argument is outside its range.

    >>> score_interval([0, 1, 1]).method, score_interval([0, 0.5, 1]).method
    ('wilson', 'student-t')
    """
    vector = _vector(values)
    if np.all((vector == 0.0) | (vector == 1.0)):
        return wilson_interval(int(np.count_nonzero(vector)), len(vector), level=level, n_unscored=n_unscored)
    return mean_interval(vector, level=level, n_unscored=n_unscored)


def _vector(values: ArrayLike) -> NDArray[np.float64]:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"values must be one-dimensional, not of shape {vector.shape}")
    if not np.all(np.isfinite(vector)):
        raise ValueError("values must be finite; leave unscored rows out and count them in n_unscored")
    return vector


def _mean(vector: NDArray[np.float64]) -> float:
    try:
        return math.fsum(vector) / len(vector)
    except OverflowError:
        return math.fsum(vector / len(vector))


def _check(n: int, n_unscored: int, level: float) -> None:
    if n < 0 or n_unscored < 0:
        raise ValueError(f"counts must not be negative: n={n}, n_unscored={n_unscored}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
