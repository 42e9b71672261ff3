"""A confidence threshold whose error rate is bounded with a stated confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr

from evalayer_lab.statistics._arguments import check_counts, check_level
from evalayer_lab.statistics._bins import confidence_and_correct
from evalayer_lab.statistics._intervals import Estimate, clopper_pearson_interval


@dataclass(frozen=True, slots=True)
class Gate:
    """Which rows may pass without a second look.

    Attributes:
        threshold: rows with a confidence above it, not at it, pass; None where no threshold can be vouched for.
        coverage: share of the rows that pass.
        n: all rows.
        n_unscored: rows without a confidence or a verdict; a router cannot pass the former.
        n_accepted: rows that pass.
        n_errors: wrong rows among them.
        risk: their error rate, with the Clopper-Pearson interval whose upper end is the bound of the gate: its level
            is 2 · level - 1, so that each end alone holds with confidence `level`.
        max_risk: the error rate asked for.
        level: confidence that the error rate of rows that pass is at most `max_risk`.
        n_first: the most confident rows, with which the search begins; 0 where too few have a confidence for a gate.
        n_first_errors: wrong rows among them.
    """

    threshold: float | None
    coverage: float
    n: int
    n_unscored: int
    n_accepted: int
    n_errors: int
    risk: Estimate
    max_risk: float
    level: float
    n_first: int
    n_first_errors: int

    @property
    def risk_upper(self) -> float | None:
        """The error rate that the rows which pass do not exceed, with confidence `level`; None without a gate."""
        return self.risk.high


def smallest_gate(max_risk: float, *, level: float = 0.95) -> int:
    """The fewest rows that can show a risk of at most `max_risk`: all right, (1 - max_risk)ⁿ ≤ 1 - level.

    Args:
        max_risk: the error rate to show, between 0 and 1.
        level: confidence level, above 0.5.

    Raises:
        ValueError: an argument is outside its range.

    >>> smallest_gate(0.05)
    59
    """
    _check(max_risk, level)
    rows = math.ceil(math.log(1 - level) / math.log1p(-max_risk))
    return next(n for n in (rows - 1, rows, rows + 1) if n > 0 and bdtr(0, n, max_risk) <= 1 - level)


def gate_threshold(
    confidence: ArrayLike,
    correct: ArrayLike,
    max_risk: float,
    *,
    level: float = 0.95,
    min_coverage: float = 0.1,
    n_unscored: int = 0,
) -> Gate:
    """Find the lowest threshold whose error rate above it is at most `max_risk`, with confidence `level`.

    The coverages `min_coverage`, 1% more, and so on up to 100% are tested in this order, each by the one-sided
    Clopper-Pearson bound of the error rate of its most confident rows. The first that fails ends the search, and the
    last that passed is the gate: with this fixed sequence no test needs a correction for the others (P. Bauer, 1991,
    "Multiple testing in clinical trials", Statistics in Medicine 10; for thresholds A. N. Angelopoulos et al., 2021,
    "Learn then test"). Coverages of fewer rows than `smallest_gate` could not pass, and are left out.

    A step accepts the rows with more confidence than the first row beyond its coverage, which becomes the threshold:
    given that row, they are independent draws of the rows above it. Rows of one confidence pass or fail together.
    Steps depend on the confidences and never on `correct`. Hence, for independent rows, the chance that the error
    rate above the threshold exceeds `max_risk` is at most 1 - level: that of new rows, and, at levels from 0.8, that
    expected of the rows at hand given their confidences, because a sum of unequal Bernoulli trials is narrower than
    the binomial (W. Hoeffding, 1956). Rows that come in clusters, or a threshold picked by eye, have no such
    guarantee; a map of the confidence must be fitted on other rows.

    A search that begins at few rows often ends there by one unlucky error; one that begins at many can find no
    narrow gate. That is the choice of `min_coverage`, to be made before the data are seen.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.
        max_risk: the highest error rate allowed above the threshold, between 0 and 1.
        level: confidence of the guarantee, above 0.5 and below 1.
        min_coverage: the least share of rows that makes a gate worth having, above 0 and at most 1. Rows of equal
            confidence at that place are held back together, so the gate found can be narrower.
        n_unscored: carried into the gate.

    Raises:
        ValueError: an argument is outside its range, or NaN.

    >>> gate = gate_threshold([0.9] * 90 + [0.6] * 10, [1] * 90 + [0] * 10, 0.05)
    >>> gate.threshold, gate.coverage, round(gate.risk_upper, 4)
    (0.6, 0.9, 0.0327)
    """
    check_counts(n=0, n_unscored=n_unscored)
    _check(max_risk, level)
    if not 0 < min_coverage <= 1:
        raise ValueError(f"min_coverage must lie above 0 and be at most 1, not {min_coverage}")
    probability, outcome = confidence_and_correct(confidence, correct)
    n, least = len(probability), smallest_gate(max_risk, level=level)
    order = np.argsort(-probability)
    descending = np.append(probability[order], 0.0)
    errors = np.append(0, np.cumsum(~outcome[order]))
    percents = np.append(np.arange(min_coverage * 100, 100), 100)
    limits = descending[np.minimum(np.ceil(percents * n / 100 - 1e-9).astype(np.intp), n)]
    accepted = np.unique(np.searchsorted(-descending[:n], -limits, side="left"))
    accepted = accepted[accepted >= least]
    passes = bdtr(errors[accepted], accepted, max_risk) <= 1 - level
    steps = len(passes) if passes.all() else int(np.argmin(passes))
    at = int(accepted[steps - 1]) if steps else 0
    first = int(accepted[0]) if len(accepted) else 0
    risk = clopper_pearson_interval(int(errors[at]), at, level=round(2 * level - 1, 12))
    return Gate(
        threshold=float(descending[at]) if at else None,
        coverage=at / n if n else 0.0,
        n=n,
        n_unscored=n_unscored,
        n_accepted=at,
        n_errors=int(errors[at]),
        risk=risk,
        max_risk=max_risk,
        level=level,
        n_first=first,
        n_first_errors=int(errors[first]),
    )


def _check(max_risk: float, level: float) -> None:
    check_level(level)
    if level <= 0.5:
        raise ValueError(f"level must be above 0.5, not {level}")
    if not 0 < max_risk < 1:
        raise ValueError(f"max_risk must lie between 0 and 1, not {max_risk}")
