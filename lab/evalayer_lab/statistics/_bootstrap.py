"""Resampling of classified rows, by row or by cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from evalayer_lab.statistics._confusion import Array, Marginals, ratio

_MAX_NUMBERS = 4_000_000  # held at once while drawing: 32 MB


@dataclass(frozen=True, slots=True)
class Units:
    """What a resample draws: rows or clusters, grouped by kind.

    Attributes:
        hits: rows of each class in one unit that were taken for it, shape (kinds, classes).
        gold: rows of each class in one unit, the same shape.
        predicted: rows taken for each class in one unit, the same shape.
        multiplicity: how many units of each kind there are, shape (kinds,).
    """

    hits: csr_array
    gold: csr_array
    predicted: csr_array
    multiplicity: NDArray[np.int64]


def units_of_cells(counts: NDArray[np.int64]) -> Units:
    """Take every row as a unit; those of one cell of the confusion matrix, shape (classes, classes + 1), are alike."""
    kinds = np.flatnonzero(counts)
    return _units(np.arange(len(kinds)), kinds, counts.ravel()[kinds], len(counts))


def units_of_clusters(cells: NDArray[np.intp], codes: NDArray[np.intp], groups: int, classes: int) -> Units:
    """Take every cluster as a unit, given the cell and the cluster of each row."""
    return _units(codes, cells, np.ones(groups, dtype=np.int64), classes)


def _units(unit: NDArray[np.intp], cells: NDArray[np.intp], multiplicity: NDArray[np.int64], classes: int) -> Units:
    gold, predicted = np.divmod(cells, classes + 1)
    shape = (len(multiplicity), classes)

    def count(rows: NDArray[np.bool_], column: NDArray[np.intp]) -> csr_array:
        return csr_array((np.ones(np.count_nonzero(rows)), (unit[rows], column[rows])), shape=shape)

    return Units(
        count(gold == predicted, gold), count(gold >= 0, gold), count(predicted < classes, predicted), multiplicity
    )


def effective_rows(successes: csr_array, rows: csr_array) -> tuple[Array, NDArray[np.int64]]:
    """How many independent rows the rows of clusters are worth, for several proportions at once.

    The design effect of a proportion p is the variance of its linearised cluster sums, Σ_c (x_c - p n_c)² C / (C - 1),
    over what it were for independent rows, n p (1 - p); for p = 0 and 1, where that says nothing, it is
    Σ_c n_c² / n, as if the rows of a cluster always agreed. It is taken to be at least 1 (L. Kish, 1965, "Survey
    sampling").

    Args:
        successes: rows that count, shape (clusters, proportions).
        rows: rows that could count, the same shape.

    Returns:
        The effective rows, and the clusters that have any row, each of shape (proportions,).
    """
    total = np.asarray(rows.sum(axis=0), dtype=np.float64)
    share = ratio(np.asarray(successes.sum(axis=0)), total)
    groups = np.asarray((rows > 0).sum(axis=0), dtype=np.int64)
    residuals = successes - rows * share[None, :]
    between = np.asarray(residuals.power(2).sum(axis=0)) * ratio(groups, groups - 1)
    agreeing = ratio(np.asarray(rows.power(2).sum(axis=0)), total)
    settled = (share == 0) | (share == 1)
    effect = np.where(settled, agreeing, ratio(between, total * share * (1 - share)))
    return total / np.maximum(effect, 1.0), groups


def resample(units: Units, *, imagined: float, size: float, resamples: int, seed: int) -> Marginals:
    """Draw as many units as there are, with replacement, `resamples` times; arrays of shape (resamples, classes).

    `imagined` further units take part in the draw, each of `size` rows of one class: half of them right, half of
    them wrong, with the classes of the gold rows and of the predictions. They keep a sample without errors from
    resampling to nothing but itself, as the z² rows that Wilson's interval adds to a proportion do.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    total = int(units.multiplicity.sum())
    gold, predicted = (units.multiplicity @ table for table in (units.gold, units.predicted))
    added = generator.binomial(total, imagined / (total + imagined), size=resamples)
    right = generator.binomial(added, 0.5)
    classes = gold / gold.sum()
    answers = np.append(predicted, gold.sum() - predicted.sum()) / gold.sum()

    def imagine(number: NDArray[np.int64], shares: Array) -> Array:
        return generator.multinomial(number, shares).astype(np.float64) * size

    hits = imagine(right, classes)
    drawn_gold = hits + imagine(added - right, classes)
    drawn_predicted = hits + imagine(added - right, answers)[:, :-1]
    step = max(1, _MAX_NUMBERS // len(units.multiplicity))
    for start in range(0, resamples, step):
        part = slice(start, start + step)
        weights = _draw(units.multiplicity, total - added[part], generator)
        hits[part] += weights @ units.hits
        drawn_gold[part] += weights @ units.gold
        drawn_predicted[part] += weights @ units.predicted
    return Marginals(hits, drawn_gold, drawn_predicted)


def _draw(multiplicity: NDArray[np.int64], sizes: NDArray[np.int64], generator: np.random.Generator) -> Array:
    kinds, total = len(multiplicity), int(multiplicity.sum())
    if kinds < total:
        return generator.multinomial(sizes, multiplicity / total).astype(np.float64)
    draws = [np.bincount(generator.integers(0, kinds, size=int(size)), minlength=kinds) for size in sizes]
    return np.array(draws, dtype=np.float64)
