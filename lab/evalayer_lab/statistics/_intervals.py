"""Intervals of proportions and means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri, stdtrit

from evalayer_lab.statistics._arguments import (
    Clusters,
    check_counts,
    check_level,
    cluster_codes,
    exact_mean,
    finite_vector,
)
from evalayer_lab.statistics._methods import Method


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with what is known of its precision.

    Attributes:
        value: the estimate; None where no row was scored. Never 0.0 for want of data.
        low: lower end of the interval; None where the data give none.
        high: upper end of the interval; None where the data give none.
        level: confidence level of the interval, between 0 and 1.
        method: how value and interval were computed, by its name in `METHODS`.
        n: rows the estimate stands on.
        n_unscored: rows that should have had a score and have none; they are not in `value`.
        seed: of the resampling (PCG64); None where nothing was resampled.
        resamples: how many were drawn; None where nothing was resampled.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    method: Method
    n: int
    n_unscored: int
    seed: int | None = None
    resamples: int | None = None


def wilson_interval(successes: int, n: int, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate a proportion, with the Wilson score interval.

    With p = successes / n and z the normal quantile of (1 + level) / 2, the ends are
    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n): E. B. Wilson (1927), "Probable inference, the law of
    succession, and statistical inference", JASA 22. It stays within [0, 1] and has no zero width at 0 or 1. Averaged
    over p its coverage is the level; at one p it swings around the level: for 95% and p between 0.05 and 0.95
    from 92 to 98% at n = 20, and from 93 to 97% at n = 200.

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
    _check_proportion(successes, n, n_unscored, level)
    if n == 0:
        return Estimate(None, None, None, level, "wilson", 0, n_unscored)
    low, high = wilson_ends(successes / n, float(n), float(ndtri((1 + level) / 2)))
    return Estimate(successes / n, low, high, level, "wilson", n, n_unscored)


def clopper_pearson_interval(successes: int, n: int, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate a proportion, with the exact interval: its coverage is at least the level, and often well above.

    The ends are the quantiles (1 - level) / 2 of Beta(x, n - x + 1) and (1 + level) / 2 of Beta(x + 1, n - x), with
    x successes; 0 and 1 where x is 0 and n: C. J. Clopper and E. S. Pearson (1934), "The use of confidence or
    fiducial limits illustrated in the case of the binomial", Biometrika 26.

    Args:
        successes: rows that count as 1, from 0 to n.
        n: scored rows. With 0 the value and both ends are None.
        level: confidence level.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: an argument is outside its range.

    >>> estimate = clopper_pearson_interval(8, 10)
    >>> estimate.value, round(estimate.low, 3), round(estimate.high, 3)
    (0.8, 0.444, 0.975)
    """
    return _beta_interval(successes, n, 0.0, "clopper-pearson", level, n_unscored)


def jeffreys_interval(successes: int, n: int, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate a proportion, with the equal-tailed interval of the Jeffreys posterior.

    The ends are the quantiles (1 - level) / 2 and (1 + level) / 2 of Beta(x + 1/2, n - x + 1/2), with x successes; 0
    and 1 where x is 0 and n, as L. D. Brown, T. T. Cai and A. DasGupta (2001), "Interval estimation for a binomial
    proportion", Statistical Science 16, advise. Averaged over p its coverage is the level; for 95% and p
    between 0.05 and 0.95 it swings from 89 to 99% at n = 20, and from 93 to 96% at n = 200.

    Args:
        successes: rows that count as 1, from 0 to n.
        n: scored rows. With 0 the value and both ends are None.
        level: confidence level.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: an argument is outside its range.

    >>> estimate = jeffreys_interval(8, 10)
    >>> estimate.value, round(estimate.low, 3), round(estimate.high, 3)
    (0.8, 0.497, 0.956)
    """
    return _beta_interval(successes, n, 0.5, "jeffreys", level, n_unscored)


def mean_interval(
    values: ArrayLike, *, clusters: Clusters | None = None, level: float = 0.95, n_unscored: int = 0
) -> Estimate:
    """Estimate a mean, with Student's t interval: mean ± t s / √n, s with ddof=1 and n - 1 degrees of freedom.

    The mean is of the exact sum, rounded once. One value has a mean and no interval. Values that are all equal
    give an interval of zero width, which says that the sample shows no spread, not that the mean is known. The
    interval covers at its level for normal values at any n, and for others as n grows.

    With clusters, the standard error is `clustered_standard_error(finite_clusters=True)`, with one degree of freedom
    less than there are clusters; one cluster gives no interval. A 95% interval of clusters of unequal sizes covers
    about 93% at 10 clusters, 94% at 30 and 95% at 100.

    Args:
        values: the scored rows, shape (n,), finite. With none, the value and both ends are None.
        clusters: which cluster each row belongs to, shape (n,): rows of one cluster are not independent.
        level: confidence level.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: the values are not a vector of finite numbers, or an argument is outside its range.

    >>> estimate = mean_interval([1.0, 2.0, 3.0])
    >>> estimate.value, round(estimate.low, 3), round(estimate.high, 3)
    (2.0, -0.484, 4.484)
    """
    vector = finite_vector(values)
    n = len(vector)
    check_counts(n=n, n_unscored=n_unscored)
    check_level(level)
    method: Method = "student-t" if clusters is None else "student-t-clustered"
    codes, groups = (None, n) if clusters is None else cluster_codes(clusters, n)
    if n == 0:
        return Estimate(None, None, None, level, method, 0, n_unscored)
    mean = exact_mean(vector)
    if groups == 1:
        return Estimate(mean, None, None, level, method, n, n_unscored)
    with np.errstate(over="ignore", invalid="ignore"):
        if codes is None:
            error = np.sqrt(np.sum((vector - mean) ** 2) / (n - 1) / n)
        else:
            error = _clustered_error(vector, mean, codes, groups) * math.sqrt(groups / (groups - 1))
        half = float(stdtrit(groups - 1, (1 + level) / 2) * error)
    if not math.isfinite(mean - half) or not math.isfinite(mean + half):  # beyond what a double can hold
        return Estimate(mean, None, None, level, method, n, n_unscored)
    return Estimate(mean, mean - half, mean + half, level, method, n, n_unscored)


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
    vector = finite_vector(values)
    if np.all((vector == 0.0) | (vector == 1.0)):
        return wilson_interval(int(np.count_nonzero(vector)), len(vector), level=level, n_unscored=n_unscored)
    return mean_interval(vector, level=level, n_unscored=n_unscored)


def clustered_standard_error(values: ArrayLike, clusters: Clusters, *, finite_clusters: bool = False) -> float:
    """Standard error of a mean whose rows come in clusters: √(Σ_c (Σ_{i in c} (x_i - x̄))²) / n.

    It is the cluster-robust error of E. Miller (2024), "Adding error bars to evals", appendix A: questions about one
    text, or several samples of one question, are not independent. Where each row is its own cluster it is the plain
    standard error with ddof=0. Fewer than about 30 clusters make it too small.

    Args:
        values: the scored rows, shape (n,), finite.
        clusters: which cluster each row belongs to, shape (n,).
        finite_clusters: multiply the variance by C / (C - 1), with C clusters (A. C. Cameron and D. L. Miller, 2015,
            "A practitioner's guide to cluster-robust inference").

    Raises:
        ValueError: there is no row, `finite_clusters` with one cluster, or an argument of the wrong shape.

    >>> clustered_standard_error([1.0, 1.0, 0.0, 0.0], ["a", "a", "b", "b"])
    0.3535533905932738
    """
    vector = finite_vector(values)
    codes, groups = cluster_codes(clusters, len(vector))
    if not groups:
        raise ValueError("values has no row: there is no standard error")
    error = _clustered_error(vector, exact_mean(vector), codes, groups)
    if not finite_clusters:
        return error
    if groups == 1:
        raise ValueError("clusters has one cluster: finite_clusters needs at least two")
    return error * math.sqrt(groups / (groups - 1))


def wilson_ends(share: float, n: float, z: float) -> tuple[float, float]:
    """The ends of the Wilson interval for a share of n rows; n may be a number of effective rows."""
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return 0.0 if share == 0 else max(0.0, centre - half), 1.0 if share == 1 else min(1.0, centre + half)


def _beta_interval(successes: int, n: int, prior: float, method: Method, level: float, n_unscored: int) -> Estimate:
    _check_proportion(successes, n, n_unscored, level)
    if n == 0:
        return Estimate(None, None, None, level, method, 0, n_unscored)
    failures, tail = n - successes, (1 - level) / 2
    other = 1 - prior  # Clopper-Pearson widens each end by one row, Jeffreys by half a row on both
    low = 0.0 if successes == 0 else float(betaincinv(successes + prior, failures + other, tail))
    high = 1.0 if failures == 0 else float(betaincinv(successes + other, failures + prior, 1 - tail))
    return Estimate(successes / n, low, high, level, method, n, n_unscored)


def _clustered_error(vector: NDArray[np.float64], mean: float, codes: NDArray[np.intp], groups: int) -> float:
    sums = np.bincount(codes, weights=vector - mean, minlength=groups)
    return float(np.sqrt(np.sum(sums**2)) / len(vector))


def _check_proportion(successes: int, n: int, n_unscored: int, level: float) -> None:
    check_counts(n=n, n_unscored=n_unscored)
    check_level(level)
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be from 0 to n={n}, not {successes}")
