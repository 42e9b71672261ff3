"""Figures of a classification from three counts of each class: hits, gold rows, predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    """Compute the figures that are no simple proportion of rows, each of shape (...); NaN where one is undefined.

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
