"""Calibration: how far confidence is from the share of correct rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalayer_lab.statistics._arguments import check_counts, check_level
from evalayer_lab.statistics._bins import (
    BinSums,
    Floats,
    Scheme,
    bin_sums,
    confidence_and_correct,
    estimate_of_bins,
)
from evalayer_lab.statistics._intervals import Estimate, wilson_interval


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The rows whose confidence falls into one bin.

    Attributes:
        low: the open end of (low, high], 0 belonging to the first bin; of a mass bin the least confidence in it.
        high: the closed end; of a mass bin the greatest confidence in it.
        n: rows in the bin.
        mean_confidence: None without a row.
        accuracy: the share of correct rows, with Wilson's interval.
    """

    low: float
    high: float
    n: int
    mean_confidence: float | None
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """Confidence beside accuracy, bin by bin.

    Attributes:
        bins: from the least confidence up. Width bins without a row are there, mass bins are never empty.
        scheme: "width" or "mass".
        n: rows of all bins.
        n_unscored: rows without a confidence or a verdict; they are in no bin.
    """

    bins: tuple[ReliabilityBin, ...]
    scheme: Scheme
    n: int
    n_unscored: int


def reliability_curve(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    bins: int = 15,
    scheme: Scheme = "width",
    level: float = 0.95,
    n_unscored: int = 0,
) -> ReliabilityCurve:
    """Compare confidence and accuracy bin by bin.

    Width bins are (lo, hi], of index ceil(c · bins) - 1 in double precision, and 0 belongs to the first bin: with
    rounded confidences it matters that 0.8 is in the bin that ends at 0.8. Mass bins are a stable sort by confidence
    cut into parts of equal size, the first ones a row larger (`numpy.array_split`); rows of one confidence may
    be cut apart, in the order of the rows.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.
        bins: how many bins; fewer where there are fewer rows than mass bins.
        scheme: bins of equal "width" or of equal "mass".
        level: confidence level of the intervals.
        n_unscored: carried into the curve.

    Raises:
        ValueError: an argument is outside its range, or NaN.

    >>> curve = reliability_curve([0.2, 0.5, 0.51, 1.0], [0, 1, 1, 1], bins=2)
    >>> [(bin.low, bin.high, bin.n, bin.mean_confidence, bin.accuracy.value) for bin in curve.bins]
    [(0.0, 0.5, 2, 0.35, 0.5), (0.5, 1.0, 2, 0.755, 1.0)]
    """
    check_counts(n=0, n_unscored=n_unscored)
    check_level(level)
    probability, outcome = confidence_and_correct(confidence, correct)
    sums = bin_sums(probability, outcome, bins, scheme, spread=False)
    rows, total = sums.rows, sums.confidence.sum(axis=0)
    return ReliabilityCurve(
        tuple(
            ReliabilityBin(
                float(sums.low[index]),
                float(sums.high[index]),
                int(rows[index]),
                float(total[index] / rows[index]) if rows[index] else None,
                wilson_interval(int(sums.n[1, index]), int(rows[index]), level=level),
            )
            for index in range(len(rows))
        ),
        scheme,
        len(probability),
        n_unscored,
    )


def expected_calibration_error(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    bins: int = 15,
    scheme: Scheme = "width",
    level: float = 0.95,
    resamples: int = 0,
    seed: int = 0,
    n_unscored: int = 0,
) -> Estimate:
    """Estimate the expected calibration error, Σ_b n_b/n |c̄_b - ȳ_b|, with the bins of `reliability_curve`.

    It is never below 0, so noise raises it: a calibrated model of 1,000 rows shows about 0.03, and more with more
    bins. `debiased_l2_calibration_error` subtracts that. Source: M. P. Naeini, G. F. Cooper and M. Hauskrecht (2015),
    "Obtaining well calibrated probabilities using Bayesian binning", AAAI.

    The interval is the basic bootstrap, 2v - q with q the quantiles of the resampled values, cut at 0 and 1. Rows are
    resampled as the counts of bin and correctness, with the bins held where they are, so that the cost does not
    grow with the rows. A 95% interval covers the error of these bins in 86 to 96% of samples where gaps stand out
    from noise, in about half where the model is calibrated; those of the L2 errors hold their level.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.
        bins: how many bins.
        scheme: bins of equal "width" or of equal "mass".
        level: confidence level of the interval.
        resamples: bootstrap resamples; with 0 there is no interval.
        seed: of the resampling (PCG64).
        n_unscored: carried into the estimate.

    Raises:
        ValueError: an argument is outside its range, or NaN.

    >>> expected_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 0, 1, 0]).value
    0.25
    """
    return estimate_of_bins(
        _expected, confidence, correct, bins, scheme, level=level, resamples=resamples, seed=seed, n_unscored=n_unscored
    )


def maximum_calibration_error(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    bins: int = 15,
    scheme: Scheme = "width",
    level: float = 0.95,
    n_unscored: int = 0,
) -> Estimate:
    """Estimate the maximum calibration error, max_b |c̄_b - ȳ_b| over the bins that have rows.

    It has no interval: those of the bootstrap, which cannot mend a maximum, cover the true value in 55 to 75% of
    samples. A bin of one row counts as much as any here, so with few rows it is mostly noise.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.
        bins: how many bins.
        scheme: bins of equal "width" or of equal "mass".
        level: carried into the estimate.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: an argument is outside its range, or NaN.

    >>> round(maximum_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 0, 1, 0]).value, 6)
    0.4
    """
    return estimate_of_bins(_maximum, confidence, correct, bins, scheme, level=level, n_unscored=n_unscored)


def l2_calibration_error(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    bins: int = 15,
    scheme: Scheme = "mass",
    level: float = 0.95,
    resamples: int = 0,
    seed: int = 0,
    n_unscored: int = 0,
) -> Estimate:
    """Estimate the L2 calibration error by plugging in: √(Σ_b n_b/n (c̄_b - ȳ_b)²).

    Arguments and errors are those of `expected_calibration_error`. The interval is the basic bootstrap of the square,
    v - (q - plug-in value), cut at 0 and rooted: at 95% it covers in 94% of samples or
    more, and with width bins in 92% or more.

    >>> round(l2_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 0, 1, 0], bins=2).value, 6)
    0.291548
    """
    square = estimate_of_bins(
        squared_error,
        confidence,
        correct,
        bins,
        scheme,
        level=level,
        resamples=resamples,
        seed=seed,
        n_unscored=n_unscored,
    )
    return _rooted(square)


def debiased_l2_calibration_error(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    bins: int = 15,
    scheme: Scheme = "mass",
    level: float = 0.95,
    resamples: int = 0,
    seed: int = 0,
    n_unscored: int = 0,
) -> Estimate:
    """Estimate the L2 calibration error without the part that noise adds.

    It is √max(0, Σ_b n_b/n [(c̄_b - ȳ_b)² - ȳ_b (1 - ȳ_b) / (n_b - 1)]): A. Kumar, P. Liang and T. Ma (2019),
    "Verified uncertainty calibration", NeurIPS, section 5. A bin of one row, whose noise cannot be known, adds
    nothing. A value of 0 says that the gaps are no larger than noise.

    Arguments and errors are those of `expected_calibration_error`. The interval is the basic bootstrap of the square,
    v - (q - plug-in value), cut at 0 and rooted: at 95% it covers in 94% of samples or
    more, and with width bins in 92% or more.

    >>> debiased_l2_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 0, 1, 0], bins=2).value
    0.0
    """
    square = estimate_of_bins(
        _debiased,
        confidence,
        correct,
        bins,
        scheme,
        level=level,
        resamples=resamples,
        seed=seed,
        n_unscored=n_unscored,
        truth=squared_error,
    )
    return _rooted(square)


def _expected(sums: BinSums) -> Floats:
    return np.asarray(np.abs(sums.gap).sum(axis=-1) / sums.rows.sum(axis=-1))


def _maximum(sums: BinSums) -> Floats:
    return np.asarray((np.abs(sums.gap) / np.maximum(sums.rows, 1)).max(axis=-1))


def squared_error(sums: BinSums) -> Floats:
    """The square of the plug-in L2 calibration error."""
    return np.asarray((sums.gap**2 / np.maximum(sums.rows, 1)).sum(axis=-1) / sums.rows.sum(axis=-1))


def _debiased(sums: BinSums) -> Floats:
    rows = sums.rows
    share = sums.n[..., 1, :] / np.maximum(rows, 1)
    noise = share * (1 - share) / np.maximum(rows - 1, 1)
    squares = np.where(rows > 1, (sums.gap / np.maximum(rows, 1)) ** 2 - noise, 0.0)
    return np.asarray((rows * squares).sum(axis=-1) / rows.sum(axis=-1))


def _rooted(square: Estimate) -> Estimate:
    value, low, high = (
        None if end is None else max(0.0, end) ** 0.5 for end in (square.value, square.low, square.high)
    )
    return Estimate(
        value, low, high, square.level, square.method, square.n, square.n_unscored, square.seed, square.resamples
    )
