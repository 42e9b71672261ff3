"""The confusion matrix of a classification, from the counters its rows reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """How often each class was taken for each class.

    Attributes:
        counts: shape (classes, classes + 1): rows by gold class; the last column holds the rows whose prediction
            was none of the classes.
        n_left_out: rows whose counters name no gold class, or more than one.
    """

    counts: NDArray[np.int64]
    n_left_out: int


def confusion_from_counters(
    true_positive: NDArray[np.float64], false_positive: NDArray[np.float64], false_negative: NDArray[np.float64]
) -> ConfusionMatrix:
    """Recover the confusion matrix from the counters of each scored row.

    A row with a true positive of X is X taken for X; one with a false negative of X and a false positive of Y is X
    taken for Y; one with a false negative of X alone had a prediction outside the classes.

    Args:
        true_positive: shape (rows, classes), 0 or 1.
        false_positive: the same shape.
        false_negative: the same shape.

    Raises:
        ValueError: the shapes differ, or there is no class.

    >>> import numpy as np
    >>> tp, fp, fn = np.array([[1, 0], [0, 0.0]]), np.zeros((2, 2)), np.array([[0, 0], [0, 1.0]])
    >>> confusion_from_counters(tp, fp, fn).counts.tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    if not true_positive.shape == false_positive.shape == false_negative.shape or true_positive.ndim != 2:
        raise ValueError("the three counters must be matrices of one shape")
    classes = true_positive.shape[1]
    if classes == 0:
        raise ValueError("there is no class")
    gold = (true_positive + false_negative) > 0
    predicted = (true_positive + false_positive) > 0
    usable = (gold.sum(axis=1) == 1) & (predicted.sum(axis=1) <= 1)
    gold_class = gold[usable].argmax(axis=1)
    answered = predicted[usable]
    predicted_class = np.where(answered.any(axis=1), answered.argmax(axis=1), classes)
    cells = np.bincount(gold_class * (classes + 1) + predicted_class, minlength=classes * (classes + 1))
    return ConfusionMatrix(
        cells.reshape(classes, classes + 1).astype(np.int64), len(usable) - int(np.count_nonzero(usable))
    )
