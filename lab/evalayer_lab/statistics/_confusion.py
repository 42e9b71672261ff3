"""The confusion matrix of a classification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labelled: TypeAlias = Sequence[str | None] | Sequence[int] | NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """How often each class was taken for each class.

    Attributes:
        counts: shape (classes, classes + 1): rows by gold class; the last column holds the rows whose prediction
            was none of the classes.
        n_left_out: rows without a gold class of these.
    """

    counts: NDArray[np.int64]
    n_left_out: int


def confusion_from_codes(
    gold: NDArray[np.intp], predicted: NDArray[np.intp], classes: int
) -> tuple[ConfusionMatrix, NDArray[np.intp]]:
    """Count the rows that have a gold class, and say into which cell of the matrix each of them falls."""
    known = gold >= 0
    every = bool(known.all())
    gold, predicted = (gold, predicted) if every else (gold[known], predicted[known])
    cells = gold * (classes + 1) + np.where(predicted < 0, classes, predicted)
    counts = np.bincount(cells, minlength=classes * (classes + 1)).reshape(classes, classes + 1)
    return ConfusionMatrix(counts.astype(np.int64), len(known) - len(cells)), cells


def label_codes(values: Labelled, labels: Sequence[str], name: str) -> NDArray[np.intp]:
    """Number the labels of the rows by their place in `labels`; -1 for None and for what is not one of them.

    Args:
        values: a label or None for each row; or integers, which are such numbers already.
        labels: the classes, in order.
        name: of the argument, for errors.

    Raises:
        ValueError: a value is neither text nor None, or a number is not a place in `labels`.
    """
    numbers = isinstance(values, np.ndarray) and values.dtype.kind in "iu"
    if numbers or (len(values) and isinstance(values[0], int | np.integer)):
        codes = np.asarray(values)
        if codes.ndim != 1 or codes.dtype.kind not in "iu":
            raise ValueError(f"{name} must be a vector of labels, or of their places in labels, and not a mixture")
        if len(codes) and (codes.min() < -1 or codes.max() >= len(labels)):
            raise ValueError(f"{name} must have numbers from 0 to {len(labels) - 1}, or -1 for a row without a label")
        return codes.astype(np.intp)
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ValueError(f"{name} must be a vector, not of shape {values.shape}")
        values = values.tolist()
    places: dict[object, int] = {label: place for place, label in enumerate(labels)}
    codes = np.fromiter(map(places.get, values, repeat(-1)), dtype=np.intp, count=len(values))
    for row in np.flatnonzero(codes < 0).tolist():
        value = values[row]
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name}[{row}] is {value!r}: give a label as text, and None where a row has none")
    return codes


def check_labels(labels: Sequence[str]) -> None:
    """Labels are a list of different texts.

    Raises:
        ValueError: they are not.
    """
    if isinstance(labels, str) or not len(labels) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"labels must list every label as text, not be {labels!r}")
    if len(set(labels)) < len(labels):
        raise ValueError(f"labels must be different from each other: {labels!r}")


Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Marginals:
    """All that the figures need to know of a confusion matrix, or of a stack of them.

    Attributes:
        hits: rows of each class that were taken for it, shape (..., classes).
        gold: rows of each class, the same shape.
        predicted: rows taken for each class, the same shape; invalid predictions are in none.
    """

    hits: Array
    gold: Array
    predicted: Array


def composite_figures(marginals: Marginals) -> dict[str, Array]:
    """Compute the figures that are not simple proportions of rows, each of shape (...); NaN where one is undefined.

    A precision, recall or F1 of a class whose denominator is zero enters an average as 0.
    """
    hits, gold, predicted = marginals.hits, marginals.gold, marginals.predicted
    precision, recall = ratio(hits, predicted), ratio(hits, gold)
    f1 = ratio(2 * hits, gold + predicted)
    n, correct, valid = gold.sum(-1), hits.sum(-1), predicted.sum(-1)
    chance = (gold * predicted).sum(-1)
    spread_gold = n * n - (gold * gold).sum(-1)
    spread_predicted = n * n - (predicted * predicted).sum(-1) - (n - valid) ** 2
    agreement = correct * n - chance
    return {
        "balanced_accuracy": ratio(recall.sum(-1), np.count_nonzero(gold, axis=-1), np.nan),
        "precision_macro": np.where(n > 0, precision.mean(-1), np.nan),
        "precision_weighted": ratio((precision * gold).sum(-1), n, np.nan),
        "recall_macro": np.where(n > 0, recall.mean(-1), np.nan),
        "f1_micro": ratio(2 * correct, n + valid, np.nan),
        "f1_macro": np.where(n > 0, f1.mean(-1), np.nan),
        "f1_weighted": ratio((f1 * gold).sum(-1), n, np.nan),
        "kappa": ratio(agreement, n * n - chance, np.nan),
        "mcc": ratio(agreement, np.sqrt(np.maximum(spread_gold * spread_predicted, 0.0)), np.nan),
    }


def ratio(numerator: ArrayLike, denominator: ArrayLike, undefined: float = 0.0) -> Array:
    """Divide, with a value for a denominator of zero."""
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    out = np.full(shape, undefined)
    np.divide(numerator, denominator, out=out, where=np.asarray(denominator) != 0)
    return out
