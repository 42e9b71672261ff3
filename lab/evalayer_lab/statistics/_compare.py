"""Two runs on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtri

from evalayer_lab.statistics._arguments import (
    Clusters,
    check_counts,
    check_resampling,
    cluster_codes,
    exact_mean,
    finite_pair,
)
from evalayer_lab.statistics._intervals import Estimate, clustered_standard_error, mean_interval

_ENUMERATED = 16  # differences up to which every pattern of signs is tried
_MAX_NUMBERS = 4_000_000  # held at once while flipping: 32 MB
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How far the second of two runs is from the first on the same rows.

    Attributes:
        estimate: the mean of b - a, with its interval.
        standard_error: of that mean; None with fewer than two rows or clusters.
        sd: standard_error · √n, the standard deviation that `sample_size` and `smallest_detectable_difference` take:
            that of the row's difference, times the root of the design effect where there are clusters.
    """

    estimate: Estimate
    standard_error: float | None
    sd: float | None


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A test of whether two runs differ on the same rows.

    Attributes:
        p_value: two-sided; None without rows.
        method: "mcnemar-exact", "mcnemar-mid-p", "sign-flip-exact" or "sign-flip".
        n: rows compared.
        n_unscored: rows that lack a score in either run; they are not in `n`.
        n_a_higher: rows on which the first run scores higher.
        n_b_higher: rows on which the second run scores higher.
        seed: of the resampling (PCG64); None where nothing was resampled.
        resamples: how many were drawn; None where nothing was resampled.
    """

    p_value: float | None
    method: str
    n: int
    n_unscored: int
    n_a_higher: int
    n_b_higher: int
    seed: int | None = None
    resamples: int | None = None


def paired_difference(
    a: ArrayLike, b: ArrayLike, *, clusters: Clusters | None = None, level: float = 0.95, n_unscored: int = 0
) -> PairedDifference:
    """Estimate how much higher run b scores than run a on the same rows.

    The mean of b - a, with an interval that depends on the scores:

    - 0/1 metrics: that of D. G. Bonett and R. M. Price (2012), "Adjusted Wald confidence interval for a difference of
      binomial proportions based on paired data", JEBS 37. With x rows on which only a has 1 and y on which only b
      has, u = (x + 1) / (n + 2) and v = (y + 1) / (n + 2), the ends are v - u ± z √((u + v - (v - u)²) / (n + 2)).
      It has width where the runs agree on every row. A 95% interval covers 94 to 99%: more than it says where few
      rows differ.
    - other metrics: `mean_interval` of the differences, Student's t. Runs that agree on every row give zero width.
    - any metric with clusters: `mean_interval` of the differences with clusters.

    Args:
        a: scores of the first run, shape (n,), finite.
        b: scores of the second run on the same rows in the same order, shape (n,), finite.
        clusters: which cluster each row belongs to, shape (n,).
        level: confidence level.
        n_unscored: rows that lack a score in either run, carried into the estimate.

    Raises:
        ValueError: the shapes differ, a score is not finite, or an argument is outside its range.

    >>> result = paired_difference([0, 1, 0, 1, 0, 0], [1, 1, 1, 1, 0, 1])
    >>> result.estimate.value, round(result.estimate.low, 3), round(result.estimate.high, 3)
    (0.5, -0.107, 0.857)
    """
    first, second = finite_pair(a, b)
    difference = second - first
    n = len(difference)
    estimate = mean_interval(difference, clusters=clusters, level=level, n_unscored=n_unscored)
    if clusters is not None:
        groups = cluster_codes(clusters, n)[1]
        error = clustered_standard_error(difference, clusters, finite_clusters=True) if groups > 1 else None
    else:
        error = float(np.std(difference, ddof=1)) / math.sqrt(n) if n > 1 else None
        if n and _is_zero_one(first, second):
            estimate = _bonett_price(difference, level, n_unscored)
    return PairedDifference(estimate, error, None if error is None else error * math.sqrt(n))


def mcnemar(a: ArrayLike, b: ArrayLike, *, mid_p: bool = False, n_unscored: int = 0) -> PairedTest:
    """Test whether two runs are right on the same share of the same rows, by McNemar's exact test.

    Only the m rows on which the runs differ say anything: if neither is better, the number on which b has 1 is
    Binomial(m, 1/2). With k the smaller of the two numbers, p = min(1, 2 P(X <= k)), and 2 P(X <= k) - P(X = k) for
    the mid-p. Under no difference the exact p is at most α in at most a share α of data sets, and in far fewer
    where m is small; the mid-p is closer to α and can exceed it slightly (M. W. Fagerland, S. Lydersen and P. Laake,
    2013, "The McNemar test for binary matched-pairs data", BMC Medical Research Methodology 13).

    Args:
        a: 0 or 1 for each row, shape (n,).
        b: 0 or 1 of the second run on the same rows in the same order, shape (n,).
        mid_p: give the mid-p.
        n_unscored: rows that lack a score in either run, carried into the result.

    Raises:
        ValueError: the shapes differ, or a score is neither 0 nor 1.

    >>> mcnemar([0] * 6 + [1], [1] * 6 + [0]).p_value
    0.125
    """
    first, second = finite_pair(a, b)
    check_counts(n=len(first), n_unscored=n_unscored)
    if not _is_zero_one(first, second):
        raise ValueError("a and b must be 0 or 1 on every row; compare other scores with permutation_test")
    higher_a, higher_b = int(np.count_nonzero(first > second)), int(np.count_nonzero(second > first))
    method = "mcnemar-mid-p" if mid_p else "mcnemar-exact"
    few, differing = min(higher_a, higher_b), higher_a + higher_b
    p_value = None
    if len(first):
        below = float(bdtr(few - 1, differing, 0.5)) if few else 0.0
        up_to = float(bdtr(few, differing, 0.5))
        p_value = min(1.0, below + up_to if mid_p else 2 * up_to)
    return PairedTest(p_value, method, len(first), n_unscored, higher_a, higher_b)


def permutation_test(
    a: ArrayLike,
    b: ArrayLike,
    *,
    clusters: Clusters | None = None,
    resamples: int = 10_000,
    seed: int = 0,
    n_unscored: int = 0,
) -> PairedTest:
    """Test whether two runs score alike on the same rows, by flipping the signs of their differences.

    If it does not matter which run a score comes from, each difference b - a is as likely as its negative. The
    p-value is the share of sign patterns whose sum is at least as far from 0 as the observed one (R. A. Fisher, 1935,
    "The design of experiments"). With up to 16 differences that are not 0 every pattern is tried; with more,
    `resamples` random ones are, and p = (r + 1) / (resamples + 1), r of them as far, which is never 0 and at most α in
    at most a share α of data sets without a difference (B. Phipson and G. K. Smyth, 2010). With clusters, the
    differences of a cluster flip together. 10,000 patterns take milliseconds where the differences have few values,
    and seconds for a million different ones.

    Args:
        a: scores of the first run, shape (n,), finite.
        b: scores of the second run on the same rows in the same order, shape (n,), finite.
        clusters: which cluster each row belongs to, shape (n,).
        resamples: how many patterns to draw.
        seed: of the drawing (PCG64).
        n_unscored: rows that lack a score in either run, carried into the result.

    Raises:
        ValueError: the shapes differ, a score is not finite, or an argument is outside its range.

    >>> permutation_test([0.1, 0.4, 0.2, 0.3], [0.3, 0.5, 0.6, 0.9]).p_value
    0.125
    """
    first, second = finite_pair(a, b)
    check_counts(n=len(first), n_unscored=n_unscored)
    check_resampling(resamples=resamples, seed=seed)
    difference = second - first
    higher_a, higher_b = int(np.count_nonzero(difference < 0)), int(np.count_nonzero(difference > 0))
    if clusters is not None:
        codes, groups = cluster_codes(clusters, len(difference))
        difference = np.bincount(codes, weights=difference, minlength=groups).astype(np.float64)
    sizes = np.abs(difference[difference != 0])
    far = abs(float(difference.sum())) - _ROUNDING * float(sizes.sum())
    if len(sizes) <= _ENUMERATED:
        patterns = (np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes))) & 1
        p_value = None if len(first) == 0 else float(np.mean(np.abs((2 * patterns - 1) @ sizes) >= far))
        return PairedTest(p_value, "sign-flip-exact", len(first), n_unscored, higher_a, higher_b)
    reached = int(np.count_nonzero(np.abs(_flipped_sums(sizes, resamples, seed)) >= far))
    p_value = (reached + 1) / (resamples + 1)
    return PairedTest(p_value, "sign-flip", len(first), n_unscored, higher_a, higher_b, seed, resamples)


def _flipped_sums(sizes: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    generator = np.random.Generator(np.random.PCG64(seed))
    values, counts = np.unique(sizes, return_counts=True)
    few_values = len(values) * 16 < len(sizes)  # then counting the signs of each value is faster than drawing them all
    width = len(values) if few_values else len(sizes)
    step = max(1, _MAX_NUMBERS // width)
    sums = np.empty(resamples)
    for start in range(0, resamples, step):
        part = sums[start : start + step]
        if few_values:
            part[:] = generator.binomial(counts, 0.5, size=(len(part), width)) @ values
        else:
            packed = generator.integers(0, 256, size=(len(part), -(-width // 8)), dtype=np.uint8)
            part[:] = np.unpackbits(packed, axis=1, count=width) @ sizes
    return np.asarray(2 * sums - sizes.sum())


def _bonett_price(difference: NDArray[np.float64], level: float, n_unscored: int) -> Estimate:
    n = len(difference)
    only_a, only_b = ((int(np.count_nonzero(difference == sign)) + 1) / (n + 2) for sign in (-1, 1))
    centre = only_b - only_a
    half = float(ndtri((1 + level) / 2)) * math.sqrt((only_a + only_b - centre**2) / (n + 2))
    ends = max(-1.0, centre - half), min(1.0, centre + half)
    return Estimate(exact_mean(difference), *ends, level, "bonett-price", n, n_unscored)


def _is_zero_one(*scores: NDArray[np.float64]) -> bool:
    return all(np.all((vector == 0.0) | (vector == 1.0)) for vector in scores)
