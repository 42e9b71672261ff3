"""Scores of probabilities: Brier, its parts, and log loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalayer_lab.statistics._bins import BinSums, Floats, Scheme, confidence_and_correct, estimate_of_bins
from evalayer_lab.statistics._calibration import squared_error
from evalayer_lab.statistics._intervals import Estimate, mean_interval

_SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class BrierDecomposition:
    """The parts of a Brier score: brier = reliability - resolution + uncertainty + within_bins.

    Attributes:
        brier: mean squared distance of confidence and correctness, with Student's t interval.
        reliability: Σ w_b (c̄_b - ȳ_b)²: how far the bins are from calibrated; 0 is best.
        resolution: Σ w_b (ȳ_b - ȳ)²: how much accuracy differs between bins; more is better.
        uncertainty: ȳ (1 - ȳ): what a constant confidence, the overall accuracy, would score.
        within_bins: Σ w_b (Var_b(c) - 2 Cov_b(c, y)): what bins hide, 0 where the rows of a bin share one
            confidence. It has no interval.
        n: rows.
        n_unscored: rows without a confidence or a verdict.
    """

    brier: Estimate
    reliability: Estimate
    resolution: Estimate
    uncertainty: Estimate
    within_bins: Estimate
    n: int
    n_unscored: int


def brier_score(confidence: ArrayLike, correct: ArrayLike, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate the Brier score, the mean of (confidence - correct)², with Student's t interval.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.
        level: confidence level of the interval.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: an argument is outside its range, or NaN.

    >>> brier_score([1.0, 0.5], [1, 0]).value
    0.125
    """
    probability, outcome = confidence_and_correct(confidence, correct)
    return mean_interval((probability - outcome) ** 2, level=level, n_unscored=n_unscored)


def brier_decomposition(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    bins: int = 15,
    scheme: Scheme = "width",
    level: float = 0.95,
    resamples: int = 0,
    seed: int = 0,
    n_unscored: int = 0,
) -> BrierDecomposition:
    """Split the Brier score into reliability, resolution, uncertainty and what the bins hide.

    The first three are A. H. Murphy's (1973), "A new vector partition of the probability score"; the last is the two
    within-bin terms of D. B. Stephenson, C. A. S. Coelho and I. T. Jolliffe (2008), "Two extra components in the Brier
    score decomposition", which make the sum exact.

    Arguments and errors are those of `expected_calibration_error`, and so are the intervals of the first three.

    >>> parts = brier_decomposition([0.9, 0.9, 0.6, 0.6], [1, 1, 1, 0])
    >>> [round(part.value, 4) for part in (parts.brier, parts.reliability, parts.resolution, parts.uncertainty)]
    [0.135, 0.01, 0.0625, 0.1875]
    """
    probability, outcome = confidence_and_correct(confidence, correct)
    brier = mean_interval((probability - outcome) ** 2, level=level, n_unscored=n_unscored)
    reliability, resolution, uncertainty = (
        estimate_of_bins(
            part, probability, outcome, bins, scheme, level=level, resamples=resamples, seed=seed, n_unscored=n_unscored
        )
        for part in (squared_error, _resolution, _uncertainty)
    )
    hidden = None
    if brier.value is not None:
        hidden = brier.value - (_of(reliability) - _of(resolution) + _of(uncertainty))
    n = len(probability)
    within = Estimate(hidden, None, None, level, "none", n, n_unscored)
    return BrierDecomposition(brier, reliability, resolution, uncertainty, within, n, n_unscored)


def log_loss(confidence: ArrayLike, correct: ArrayLike, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate the log loss, the mean of -ln of the probability given to what happened, with Student's t interval.

    A probability below 2⁻⁵² counts as 2⁻⁵², so that a wrong row with confidence 1 costs 36.04 and not infinity.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.
        level: confidence level of the interval.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: an argument is outside its range, or NaN.

    >>> round(log_loss([0.5, 0.5], [1, 0]).value, 4)
    0.6931
    """
    probability, outcome = confidence_and_correct(confidence, correct)
    happened = np.maximum(np.where(outcome, probability, 1 - probability), _SMALLEST)
    return mean_interval(-np.log(happened), level=level, n_unscored=n_unscored)


def _resolution(sums: BinSums) -> Floats:
    rows, right = sums.rows, sums.n[..., 1, :]
    n = rows.sum(axis=-1)
    overall = right.sum(axis=-1) / n
    share = right / np.maximum(rows, 1)
    return np.asarray((rows * (share - overall[..., None]) ** 2).sum(axis=-1) / n)


def _uncertainty(sums: BinSums) -> Floats:
    share = sums.n[..., 1, :].sum(axis=-1) / sums.rows.sum(axis=-1)
    return np.asarray(share * (1 - share))


def _of(estimate: Estimate) -> float:
    return 0.0 if estimate.value is None else estimate.value
