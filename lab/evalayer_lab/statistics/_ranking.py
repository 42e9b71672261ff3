"""Ranking: whether correct rows have more confidence than wrong ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtri

from evalayer_lab.statistics._arguments import check_counts, check_level
from evalayer_lab.statistics._bins import Counts, Floats, confidence_and_correct
from evalayer_lab.statistics._intervals import Estimate


@dataclass(frozen=True, slots=True)
class Levels:
    """The rows grouped by confidence, the greatest first; nothing in here depends on the order of the rows.

    Attributes:
        confidence: the distinct confidences, shape (levels,).
        n: rows of each.
        n_errors: wrong rows of each.
    """

    confidence: Floats
    n: Counts
    n_errors: Counts


def group_by_confidence(confidence: Floats, correct: NDArray[np.bool_]) -> Levels:
    """Group rows by confidence."""
    order = np.argsort(-confidence)
    ordered = confidence[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(order))[: len(order)]
    n_errors = np.cumsum(~correct[order])[ends - 1]
    return Levels(ordered[ends - 1], np.diff(ends, prepend=0), np.diff(n_errors, prepend=0))


def auroc(confidence: ArrayLike, correct: ArrayLike, *, level: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Estimate the area under the ROC curve: how often a correct row has more confidence than a wrong one.

    Equal confidences count half (midranks), so the order of the rows does not matter. The standard error is that of
    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson (1988), "Comparing the areas under two or more correlated
    receiver operating characteristic curves", Biometrics 44; the interval is symmetric on the logit scale and so stays
    within (0, 1). There is none where the area is 0 or 1 or the error is 0, or with fewer than two rows of a kind,
    and no value where all rows are correct or all wrong.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.
        level: confidence level of the interval.
        n_unscored: carried into the estimate.

    Raises:
        ValueError: an argument is outside its range, or NaN.

    >>> auroc([0.9, 0.8, 0.8, 0.3], [1, 1, 0, 0]).value
    0.875
    """
    check_counts(n=0, n_unscored=n_unscored)
    check_level(level)
    rows = group_by_confidence(*confidence_and_correct(confidence, correct))
    wrong, right = rows.n_errors, rows.n - rows.n_errors
    n_wrong, n_right, n = int(wrong.sum()), int(right.sum()), int(rows.n.sum())
    if not n_wrong or not n_right:
        return Estimate(None, None, None, level, "delong", n, n_unscored)
    beats = (n_wrong - np.cumsum(wrong) + wrong / 2) / n_wrong  # of each correct row at this level
    is_beaten = (np.cumsum(right) - right / 2) / n_right  # of each wrong row
    area = float(right @ beats) / n_right
    if min(n_wrong, n_right) < 2 or not 0 < area < 1:
        return Estimate(area, None, None, level, "delong", n, n_unscored)
    variance = right @ (beats - area) ** 2 / (n_right - 1) / n_right
    variance += wrong @ (is_beaten - area) ** 2 / (n_wrong - 1) / n_wrong
    if variance == 0:
        return Estimate(area, None, None, level, "delong", n, n_unscored)
    half = float(ndtri((1 + level) / 2)) * math.sqrt(variance) / (area * (1 - area))
    low, high = (float(expit(logit(area) + side * half)) for side in (-1, 1))
    return Estimate(area, low, high, level, "delong", n, n_unscored)
