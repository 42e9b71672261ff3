"""Maps from confidence to a better confidence, and how to apply them to rows their fit did not see."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from evalayer_lab.statistics._bins import Floats, confidence_and_correct
from evalayer_lab.statistics._ranking import group_by_confidence

_CLIP: Final = 2.0**-52  # the logit of 0 and 1 is that of this far from them: ±36.04
_COLDEST: Final = 0.01
_HOTTEST: Final = 100.0
_MOST_STEPS: Final = 100
_CLOSE: Final = 1e-9  # a Newton step of this size ends at the rounding error


class Recalibration(Protocol):
    """A map from confidence to confidence, with parameters that JSON can hold."""

    method: ClassVar[str]

    def __call__(self, confidence: ArrayLike) -> Floats:
        """Map each confidence, shape (n,), in [0, 1]."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The method and its parameters."""
        ...


@dataclass(frozen=True, slots=True)
class TemperatureMap:
    """Sigmoid(logit(confidence) / temperature).

    Attributes:
        temperature: above 1 confidence moves towards 1/2, below 1 away from it.
        n: rows of the fit.
    """

    method: ClassVar[str] = "temperature"
    temperature: float
    n: int

    def __call__(self, confidence: ArrayLike) -> Floats:
        """Map each confidence, shape (n,), in [0, 1]."""
        return np.asarray(expit(_logits(confidence) / self.temperature))

    def to_json(self) -> dict[str, Any]:
        """The method and its parameters."""
        return {"method": self.method, **asdict(self)}


@dataclass(frozen=True, slots=True)
class PlattMap:
    """Sigmoid(slope · logit(confidence) + intercept).

    Attributes:
        slope: of the logit; below 0 where confidence tells right from wrong the wrong way round.
        intercept: added to it.
        n: rows of the fit.
        smoothed: whether the rows alone have no best line, and Platt's smoothed targets were fitted.
    """

    method: ClassVar[str] = "platt"
    slope: float
    intercept: float
    n: int
    smoothed: bool

    def __call__(self, confidence: ArrayLike) -> Floats:
        """Map each confidence, shape (n,), in [0, 1]."""
        return np.asarray(expit(self.slope * _logits(confidence) + self.intercept))

    def to_json(self) -> dict[str, Any]:
        """The method and its parameters."""
        return {"method": self.method, **asdict(self)}


@dataclass(frozen=True, slots=True)
class IsotonicMap:
    """Linear interpolation between points, constant beyond the first and the last.

    Attributes:
        confidence: of the points, ascending.
        accuracy: of the points, never descending.
        n: rows of the fit.
    """

    method: ClassVar[str] = "isotonic"
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    n: int

    def __call__(self, confidence: ArrayLike) -> Floats:
        """Map each confidence, shape (n,), in [0, 1]."""
        return np.asarray(np.interp(_checked(confidence), self.confidence, self.accuracy))

    def to_json(self) -> dict[str, Any]:
        """The method and its parameters."""
        return {"method": self.method, **asdict(self)}


def fit_temperature(confidence: ArrayLike, correct: ArrayLike) -> TemperatureMap:
    """Fit a temperature by maximum likelihood.

    It acts on the logit of the confidence that the answer is correct: C. Guo et al. (2017), "On calibration of modern
    neural networks", ICML, for two classes, right and wrong. It is not the temperature of a softmax over labels.
    Confidence on one side of 1/2 stays there. The temperature is kept between 0.01 and 100: rows without an error know
    no coldest, rows whose confidence misleads no hottest. Confidence 0 and 1 count as 2⁻⁵² from there.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.

    Raises:
        ValueError: there is no row, or an argument is outside its range, or NaN.

    >>> round(fit_temperature([0.9] * 10 + [0.1] * 10, [1] * 8 + [0] * 10 + [1] * 2).temperature, 3)
    1.585
    """
    probability, outcome = _rows(confidence, correct)
    margin = _logits(probability) * np.where(outcome, 1.0, -1.0)
    squares = margin * margin
    if not squares.any():
        return TemperatureMap(1.0, len(margin))
    least, most, inverse = 1 / _HOTTEST, 1 / _COLDEST, 1.0
    for end, outward in ((least, -1), (most, 1)):
        if outward * float(margin @ expit(-end * margin)) >= 0:
            return TemperatureMap(1 / end, len(margin))
    for _ in range(_MOST_STEPS):
        doubt = expit(-inverse * margin)
        slope = float(margin @ doubt)
        least, most = (inverse, most) if slope > 0 else (least, inverse)
        target = inverse + slope / float(squares @ (doubt * (1 - doubt)))
        if not least <= target <= most:
            target = math.sqrt(least * most)
        step, inverse = target - inverse, target
        if abs(step) <= _CLOSE * inverse:
            break
    return TemperatureMap(1 / inverse, len(margin))


def fit_platt(confidence: ArrayLike, correct: ArrayLike) -> PlattMap:
    """Fit a slope and an intercept on the logit of the confidence, by maximum likelihood without a penalty.

    Where no wrong row lies among the correct ones, or none at all, the likelihood has no maximum. Then correct rows
    count as (r + 1) / (r + 2) and wrong ones as 1 / (w + 2), of r and w such rows: J. Platt (1999), "Probabilistic
    outputs for support vector machines", and the map says that it is smoothed. Where all confidences are equal the
    slope is 1. Confidence 0 and 1 count as 2⁻⁵² from there.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.

    Raises:
        ValueError: there is no row, or an argument is outside its range, or NaN.

    >>> fitted = fit_platt([0.9] * 10 + [0.6] * 10, [1] * 8 + [0] * 2 + [1] * 5 + [0] * 5)
    >>> fitted([0.9, 0.6]).round(6).tolist()
    [0.8, 0.5]
    """
    probability, outcome = _rows(confidence, correct)
    logits = _logits(probability)
    n, right = len(logits), int(np.count_nonzero(outcome))
    smoothed = right in {0, n} or _apart(logits, outcome)
    target = (
        np.where(outcome, (right + 1) / (right + 2), 1 / (n - right + 2)) if smoothed else outcome.astype(np.float64)
    )
    if logits.min() == logits.max():
        return PlattMap(1.0, float(logit(target.mean()) - logits[0]), n, smoothed)
    centre, scale = float(logits.mean()), float(logits.std())
    slope, intercept = _logistic((logits - centre) / scale, target)
    return PlattMap(slope / scale, intercept - slope * centre / scale, n, smoothed)


def fit_isotonic(confidence: ArrayLike, correct: ArrayLike) -> IsotonicMap:
    """Fit the never descending step function with the least squared error, by pooling adjacent violators.

    Rows of one confidence are pooled first. Between two steps the map is a straight line, beyond the first and the last
    confidence seen it is constant; the points are the two ends of each step. It can follow any ascending shape, and
    needs many rows for it: with fewer than about 1,000 prefer Platt.

    Args:
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.

    Raises:
        ValueError: there is no row, or an argument is outside its range, or NaN.

    >>> fit_isotonic([0.2, 0.4, 0.6, 0.8], [0, 1, 0, 1]).accuracy
    (0.0, 0.5, 0.5, 1.0)
    """
    probability, outcome = _rows(confidence, correct)
    levels = group_by_confidence(probability, outcome)
    at, n = levels.confidence[::-1], levels.n[::-1].astype(np.float64)
    accuracy = isotonic_regression(1 - levels.n_errors[::-1] / n, weights=n).x
    kept = np.ones(len(at), dtype=np.bool_)
    kept[1:-1] = (accuracy[1:-1] != accuracy[:-2]) | (accuracy[1:-1] != accuracy[2:])
    return IsotonicMap(tuple(at[kept].tolist()), tuple(accuracy[kept].tolist()), len(probability))


def cross_fit(
    fit: Callable[[ArrayLike, ArrayLike], Recalibration],
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    folds: int = 5,
    seed: int = 0,
) -> Floats:
    """Recalibrate each row with a map that was fitted without it.

    Figures of a map on the rows it was fitted to flatter it. Here the rows are dealt into folds at random, and each
    fold is mapped by the fit of the others. The folds follow the order of the rows and the seed. The maps differ
    between folds, so rows of equal confidence may part by a little.

    Args:
        fit: `fit_temperature`, `fit_platt`, `fit_isotonic`, or any function like them.
        confidence: shape (n,), in [0, 1].
        correct: shape (n,), 0 or 1.
        folds: how many, from 2 to n.
        seed: of the dealing (PCG64).

    Returns:
        The mapped confidences, shape (n,), in the order of the rows.

    Raises:
        ValueError: fewer rows than folds, or an argument is outside its range, or NaN.

    >>> cross_fit(fit_platt, [0.9, 0.9, 0.9, 0.9], [1, 1, 0, 0], folds=2).shape
    (4,)
    """
    probability, outcome = confidence_and_correct(confidence, correct)
    if not 2 <= folds <= len(probability):
        raise ValueError(f"folds must be from 2 to the number of rows, {len(probability)}, not {folds}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, not {seed}")
    fold = np.random.Generator(np.random.PCG64(seed)).permutation(len(probability)) % folds
    mapped = np.empty_like(probability)
    for part in range(folds):
        inside = fold == part
        mapped[inside] = fit(probability[~inside], outcome[~inside])(probability[inside])
    return mapped


def _rows(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    probability, outcome = confidence_and_correct(confidence, correct)
    if not len(probability):
        raise ValueError("confidence has no row: there is nothing to fit")
    return probability, outcome


def _checked(confidence: ArrayLike) -> Floats:
    probability = np.asarray(confidence, dtype=np.float64)
    return confidence_and_correct(probability, np.zeros(probability.shape, dtype=np.bool_))[0]


def _logits(confidence: ArrayLike) -> Floats:
    return np.asarray(logit(np.clip(_checked(confidence), _CLIP, 1 - _CLIP)))


def _apart(logits: Floats, outcome: NDArray[np.bool_]) -> bool:
    """Whether a threshold parts correct from wrong rows, ties on it aside; not so where all logits are equal."""
    right, wrong = logits[outcome], logits[~outcome]
    return bool(logits.min() < logits.max() and (wrong.max() <= right.min() or right.max() <= wrong.min()))


def _logistic(x: Floats, target: Floats) -> tuple[float, float]:
    """Maximise the likelihood of sigmoid(slope x + intercept), which is concave, by Newton's method.

    A step is halved while the likelihood falls more steeply at its end than it rose at its beginning.
    """
    squares = x * x

    def derivatives(at: Floats) -> tuple[Floats, Floats]:
        probability = expit(at[0] * x + at[1])
        residual, weight = target - probability, probability * (1 - probability)
        cross = float(x @ weight)
        return np.array([x @ residual, residual.sum()]), np.array([[squares @ weight, cross], [cross, weight.sum()]])

    at = np.zeros(2)
    gradient, curvature = derivatives(at)
    for _ in range(_MOST_STEPS):
        step = np.linalg.solve(curvature, gradient)
        rise = float(gradient @ step)
        gradient, curvature = derivatives(at + step)
        while float(gradient @ step) < -rise and np.abs(step).max() > _CLOSE:
            step = step / 2
            gradient, curvature = derivatives(at + step)
        at = at + step
        if np.abs(step).max() <= _CLOSE * max(1.0, float(np.abs(at).max())):
            break
    return float(at[0]), float(at[1])
