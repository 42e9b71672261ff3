"""Every reported value with its mean and interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.report._document import Metric
from evalayer_lab.results import Results
from evalayer_lab.statistics import Estimate, score_interval

CORRECT: Final = "correct"
_COUNTERS: Final = ("tp", "fp", "fn")


def estimate_metrics(results: Results, *, level: float) -> Iterator[Metric]:
    """The reported values in order of declaration, without counters of classifications and without `unscored`."""
    for metric in results.metrics:
        scored = results.scored(metric)
        n_unscored = len(scored) - int(np.count_nonzero(scored))
        for name in metric.reported:
            part = name.removeprefix(metric.name + ".") if metric.parts else None
            if part is not None and part.partition(".")[0] in _COUNTERS:
                continue
            values = results.values(name)
            if n_unscored:
                values = values[scored]
            higher_is_better = None if part is not None and "." in part else metric.higher_is_better
            in_range = not np.any((values < 0) | (values > 1))
            estimate = score_interval(values, level=level, n_unscored=n_unscored)
            worst, best = _bounds(values, n_unscored, higher_is_better=higher_is_better) if in_range else (None, None)
            yield Metric(
                name=name,
                metric=metric.name,
                part=part,
                higher_is_better=higher_is_better,
                estimate=within_scores(estimate) if in_range else estimate,
                worst=worst,
                best=best,
                reported=results.reported.get(name),
            )


def scored_by(results: Results, name: str) -> NDArray[np.bool_]:
    """Which rows the metric that reports a name scored, shape (rows,)."""
    return results.scored(next(metric for metric in results.metrics if name in {metric.name, *metric.reported}))


def within_scores(estimate: Estimate) -> Estimate:
    """An estimate of scores from 0 to 1, its interval cut to these; that takes nothing from what it covers."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))


def _bounds(
    values: NDArray[np.float64], n_unscored: int, *, higher_is_better: bool | None
) -> tuple[float | None, float | None]:
    if n_unscored == 0 or higher_is_better is None:
        return None, None
    total, rows = math.fsum(values), len(values) + n_unscored
    ends = (total / rows, (total + n_unscored) / rows)
    return ends if higher_is_better else (ends[1], ends[0])
