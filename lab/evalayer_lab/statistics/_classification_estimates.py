"""The figures of a classification report with their intervals, from counts of each class."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from scipy.special import ndtr, ndtri, stdtrit

from evalayer_lab.statistics._bootstrap import Units, effective_rows, resample, units_of_cells
from evalayer_lab.statistics._confusion import ConfusionMatrix, Marginals, composite_figures
from evalayer_lab.statistics._intervals import Estimate, wilson_ends
from evalayer_lab.statistics._methods import Method


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is to estimate from, and how.

    Attributes:
        confusion: the confusion matrix.
        clusters: the clusters of its rows, where they have any.
        level: confidence level.
        resamples: how often to resample.
        seed: of the resampling.
    """

    confusion: ConfusionMatrix
    clusters: Units | None
    level: float
    resamples: int
    seed: int

    @property
    def hits(self) -> NDArray[np.int64]:
        """Rows of each class that were taken for it."""
        return self.confusion.counts.diagonal()

    @property
    def gold(self) -> NDArray[np.int64]:
        """Rows of each class."""
        return np.asarray(self.confusion.counts.sum(axis=1), dtype=np.int64)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Rows taken for each class."""
        return np.asarray(self.confusion.counts[:, :-1].sum(axis=0), dtype=np.int64)


def proportions(counts: Counts) -> list[Estimate]:
    """Estimate accuracy and micro precision, then the precision of each label, then recalls, then F1s.

    The F1 of a label is 2J / (1 + J), with J the share of hits among the rows that have the label as gold or as
    prediction, so the ends of J's interval give the ends of its own.
    """
    hits, gold, predicted = counts.hits, counts.gold, counts.predicted
    successes = np.concatenate([[hits.sum(), hits.sum()], hits, hits, hits])
    rows = np.concatenate([[gold.sum(), predicted.sum()], predicted, gold, gold + predicted - hits])
    method: Method = "wilson" if counts.clusters is None else "wilson-clustered"
    if counts.clusters is None:
        worth = rows.astype(np.float64)
        quantiles = np.full(len(rows), float(ndtri((1 + counts.level) / 2)))
    else:
        worth, groups = _effective_rows(counts.clusters)
        quantiles = np.asarray(stdtrit(np.maximum(groups - 1, 1), (1 + counts.level) / 2), dtype=np.float64)
        worth[groups == 1] = 0.0
    estimates = []
    table = (successes, rows, worth, quantiles)
    for success, n, effective, quantile in zip(*(column.tolist() for column in table), strict=True):
        value = success / n if n else None
        low, high = wilson_ends(value, effective, quantile) if value is not None and effective else (None, None)
        estimates.append(Estimate(value, low, high, counts.level, method, n, counts.confusion.n_left_out))
    labels = len(hits)
    return [*estimates[:-labels], *map(_f1, estimates[-labels:])]


def composites(counts: Counts, accuracy: Estimate) -> dict[str, Estimate]:
    """Estimate every figure that is not a proportion of rows by the bootstrap."""
    n = int(counts.gold.sum())
    marginals = (part.astype(np.float64) for part in (counts.hits, counts.gold, counts.predicted))
    values = {name: float(value) for name, value in composite_figures(Marginals(*marginals)).items()}
    method: Method = "bootstrap" if counts.clusters is None else "bootstrap-clustered"
    unknown = Estimate(
        None, None, None, counts.level, method, n, counts.confusion.n_left_out, counts.seed, counts.resamples
    )
    estimates = {name: replace(unknown, value=None if math.isnan(value) else value) for name, value in values.items()}
    if accuracy.low is None:  # no row, or one cluster
        return estimates
    tail, size = (1 - counts.level) / 2, 1.0
    imagined = float(ndtri(tail)) ** 2
    if counts.clusters is not None:
        units = len(counts.clusters.multiplicity)
        tail = float(ndtr(stdtrit(units - 1, tail) * math.sqrt(units / (units - 1))))
        size = n / float(_effective_rows(counts.clusters)[0][0])
    drawn = resample(
        counts.clusters or units_of_cells(counts.confusion.counts),
        imagined=imagined,
        size=size,
        resamples=counts.resamples,
        seed=counts.seed,
    )
    for name, draws in composite_figures(drawn).items():
        value, known = estimates[name].value, draws[~np.isnan(draws)]
        if value is not None and len(known):
            low, high = np.quantile(known, [tail, 1 - tail])
            estimates[name] = replace(estimates[name], low=min(float(low), value), high=max(float(high), value))
    return estimates


def _effective_rows(clusters: Units) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    hits, gold, predicted = clusters.hits, clusters.gold, clusters.predicted

    def whole(table: csr_array) -> csr_array:
        return csr_array(table.sum(axis=1)[:, None])

    successes = hstack([whole(hits), whole(hits), hits, hits, hits], format="csr")
    rows = hstack([whole(gold), whole(predicted), predicted, gold, gold + predicted - hits], format="csr")
    return effective_rows(successes, rows)


def _f1(jaccard: Estimate) -> Estimate:
    value, low, high = (None if j is None else 2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return replace(jaccard, value=value, low=low, high=high)
