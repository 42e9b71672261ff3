"""From the rows of a run to what a reader needs to know of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer import Aggregation, label_of
from evalayer_lab.report._load import RunResults
from evalayer_lab.report._next_step import next_step
from evalayer_lab.report._records import Confusion, MetricRow, Summary, Weakest
from evalayer_lab.report._run_file import MetricInfo
from evalayer_lab.statistics import Estimate, confusion_from_counters, score_interval, segment_table

_COUNTERS: Final = ("tp", "fp", "fn")
_CORRECT: Final = "correct"


def summarize(results: RunResults, *, level: float = 0.95) -> Summary:
    """Summarize a run: metrics with intervals, decoded values, confusion matrices, the weakest segments.

    Args:
        results: what `load` read.
        level: confidence level of every interval.
    """
    rows: list[MetricRow] = []
    confusions: list[Confusion] = []
    notes = list(results.notes)
    for metric in results.metrics:
        labels = _class_labels(metric)
        rows.extend(_metric_rows(results, metric, level))
        if labels:
            confusion, n_left_out = _confusion(results, metric, labels)
            confusions.append(confusion)
            if n_left_out:
                notes.append(
                    f"The confusion matrix of {metric.name} leaves out rows whose counters name no single class: "
                    f"{n_left_out}."
                )
    if not results.metrics:
        notes.append("No metric was reported: the recipe has postprocessing off, or the handler has no metric.")
    notes.extend(_disagreements(results))
    headline = _headline(rows, {confusion.metric for confusion in confusions})
    weakest = None
    if headline is not None and headline.higher_is_better is not None and results.details.segments:
        metric = next(metric for metric in results.metrics if metric.name == headline.metric)
        table = segment_table(
            results.values(headline.name),
            results.scored(metric),
            results.details.segments,
            higher_is_better=headline.higher_is_better,
            level=level,
        )
        weakest = Weakest(headline.name, headline.higher_is_better, table)
    return Summary(
        run=results.run,
        folder=str(results.folder),
        rows=results.details.rows,
        metrics=tuple(rows),
        decoded=results.run.decoded,
        confusions=tuple(confusions),
        segments=weakest,
        notes=tuple(notes),
        next_step=next_step(results.run, rows, confusions, weakest),
    )


def _metric_rows(results: RunResults, metric: MetricInfo, level: float) -> list[MetricRow]:
    scored = results.scored(metric)
    n_unscored = int(np.count_nonzero(~scored))
    rows = []
    for name in metric.reported:
        part = name.removeprefix(metric.name + ".") if metric.parts else None
        if part is not None and part.partition(".")[0] in _COUNTERS:
            continue
        values = results.values(name)[scored]
        higher_is_better = None if part is not None and "." in part else metric.higher_is_better
        worst, best = _bounds(values, n_unscored, higher_is_better=higher_is_better)
        rows.append(
            MetricRow(
                name=name,
                metric=metric.name,
                part=part,
                estimate=_in_range(score_interval(values, level=level, n_unscored=n_unscored), values),
                higher_is_better=higher_is_better,
                worst=worst,
                best=best,
                reported=results.reported.get(name),
            )
        )
    return rows


def _in_range(estimate: Estimate, values: NDArray[np.float64]) -> Estimate:
    """Cut an interval to where scores from 0 to 1 can be; that takes nothing from what it covers."""
    if estimate.low is None or estimate.high is None or np.any((values < 0) | (values > 1)):
        return estimate
    return replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))


def _bounds(
    values: NDArray[np.float64], n_unscored: int, *, higher_is_better: bool | None
) -> tuple[float | None, float | None]:
    if n_unscored == 0 or higher_is_better is None or np.any((values < 0) | (values > 1)):
        return None, None
    total, rows = math.fsum(values), len(values) + n_unscored
    ends = (total / rows, (total + n_unscored) / rows)
    return ends if higher_is_better else (ends[1], ends[0])


def _class_labels(metric: MetricInfo) -> list[str]:
    """The encoded labels of a metric that reports `correct` and all three counters of each label."""
    labels = [part.removeprefix("tp.") for part in metric.parts if part.startswith("tp.")]
    wanted = {_CORRECT, *(f"{counter}.{label}" for counter in _COUNTERS for label in labels)}
    return labels if wanted <= set(metric.parts) else []


def _confusion(results: RunResults, metric: MetricInfo, labels: list[str]) -> tuple[Confusion, int]:
    scored = results.scored(metric)
    tp, fp, fn = (
        np.stack([results.values(f"{metric.name}.{counter}.{label}")[scored] for label in labels], axis=1)
        for counter in _COUNTERS
    )
    matrix = confusion_from_counters(tp, fp, fn)
    return Confusion(metric.name, tuple(map(label_of, labels)), matrix.counts), matrix.n_left_out


def _headline(rows: list[MetricRow], classifications: set[str]) -> MetricRow | None:
    usable = [row for row in rows if row.higher_is_better is not None and row.estimate.n]
    correct = (row for row in usable if row.metric in classifications and row.part == _CORRECT)
    telling = (row for row in usable if row.estimate.value not in {0.0, 1.0})
    return next(correct, next(telling, usable[0] if usable else None))


def _disagreements(results: RunResults) -> list[str]:
    """Reported values that are not what their rows fold to."""
    aggregation = results.run.aggregation
    if aggregation is None:
        return []
    wrong = []
    for name, column in results.details.columns.items():
        values = column[~np.isnan(column)]
        reported = results.reported.get(name)
        if reported is not None and not math.isclose(_fold(values, aggregation), reported, rel_tol=1e-9, abs_tol=1e-12):
            wrong.append(name)
    if not wrong:
        return []
    which = wrong[0] if len(wrong) == 1 else f"{wrong[0]} and {len(wrong) - 1} more"
    return [f"The value that the job reports for {which} is not the {aggregation} of its rows."]


def _fold(values: NDArray[np.float64], aggregation: Aggregation) -> float:
    if aggregation in {"min", "max"}:
        return float(values.min() if aggregation == "min" else values.max())
    try:
        total = math.fsum(values)
    except OverflowError:
        return math.inf
    return total if aggregation == "sum" else total / len(values)
