"""Every reported value with its mean and interval, and whether the job's own figures agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer import Aggregation
from evalayer_lab.report._document import Metric
from evalayer_lab.report._estimate import estimate, within_scores
from evalayer_lab.results import Results
from evalayer_lab.statistics import score_interval

COUNTERS: Final = ("tp", "fp", "fn")
CORRECT: Final = "correct"


def metric_rows(results: Results, *, level: float) -> Iterator[Metric]:
    """The reported values in order of declaration, without counters of classifications and without `unscored`."""
    for metric in results.metrics:
        scored = results.scored(metric)
        n_unscored = len(scored) - int(np.count_nonzero(scored))
        for name in metric.reported:
            part = name.removeprefix(metric.name + ".") if metric.parts else None
            if part is not None and part.partition(".")[0] in COUNTERS:
                continue
            values = results.values(name)
            if n_unscored:
                values = values[scored]
            higher_is_better = None if part is not None and "." in part else metric.higher_is_better
            in_range = not np.any((values < 0) | (values > 1))
            computed = score_interval(values, level=level, n_unscored=n_unscored)
            worst, best = _bounds(values, n_unscored, higher_is_better=higher_is_better) if in_range else (None, None)
            yield Metric(
                name=name,
                metric=metric.name,
                part=part,
                higher_is_better=higher_is_better,
                estimate=within_scores(computed) if in_range else estimate(computed),
                worst=worst,
                best=best,
                reported=results.reported.get(name),
            )


def headline(rows: Sequence[Metric], classifications: set[str]) -> Metric | None:
    """The metric to look at first: a classification's, else the first with a good way whose rows are not all alike."""
    usable = [row for row in rows if row.higher_is_better is not None and row.estimate.n]
    correct = (row for row in usable if row.metric in classifications and row.part == CORRECT)
    telling = (row for row in usable if row.estimate.value not in {0.0, 1.0})
    return next(correct, next(telling, usable[0] if usable else None))


def disagreements(results: Results) -> Iterator[str]:
    """Say which reported values are not what their rows fold to."""
    aggregation = results.run.aggregation
    if aggregation is None:
        return
    wrong = []
    for name, reported in results.reported.items():
        values = results.values(name)
        values = values[~np.isnan(values)]
        if len(values) and not math.isclose(_fold(values, aggregation), reported, rel_tol=1e-9, abs_tol=1e-12):
            wrong.append(name)
    if wrong:
        which = wrong[0] if len(wrong) == 1 else f"{wrong[0]} and {len(wrong) - 1} more"
        yield f"The value that the job reports for {which} is not the {aggregation} of its rows."


def _bounds(
    values: NDArray[np.float64], n_unscored: int, *, higher_is_better: bool | None
) -> tuple[float | None, float | None]:
    if n_unscored == 0 or higher_is_better is None:
        return None, None
    total, rows = math.fsum(values), len(values) + n_unscored
    ends = (total / rows, (total + n_unscored) / rows)
    return ends if higher_is_better else (ends[1], ends[0])


def _fold(values: NDArray[np.float64], aggregation: Aggregation) -> float:
    if aggregation in {"min", "max"}:
        return float(values.min() if aggregation == "min" else values.max())
    try:
        total = math.fsum(values)
    except OverflowError:  # of the sum; the mean may be a double still
        return math.inf if aggregation == "sum" else math.fsum(values * 2.0**-64) / len(values) * 2.0**64
    return total if aggregation == "sum" else total / len(values)
