"""Every metric, and whether the job's own figures agree with its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from evalayer import Aggregation
from evalayer_lab.report import write
from evalayer_lab.report._document import Document
from evalayer_lab.report._part import Part
from evalayer_lab.report._question import Question
from evalayer_lab.report._tables import by_metric, say, show_table, with_interval
from evalayer_lab.results import Results

METHODS: Final = {
    "metrics": "A metric's mean is over the rows that it scored. Worst and best case count every unscored row as the "
    "worse, or better, of 0 and 1. The mean is of the exact sum, rounded once, so it has the same bits in any order.",
}
_NONE: Final = "No metric was reported: the recipe has postprocessing off, or the handler has no metric."


def analyse(question: Question) -> Part:
    """Take the metrics, and note where the job reports something else."""
    return Part(
        fields={"metrics": question.metrics},
        notes=[*([] if question.metrics else [_NONE]), *_disagreements(question.results)],
    )


def show(document: Document, console: Console) -> None:
    """Print the metrics, and what is known of those that did not score every row."""
    if document.metrics:
        _show_means(document, console)
        _show_unscored(document, console)


def _disagreements(results: Results) -> Iterator[str]:
    """Say which reported values are not what their rows fold to."""
    aggregation = results.run.aggregation
    if aggregation is None:
        return
    stored = {f"metric.{name}" for name in results.reported}
    results.read_columns([name for name in results.columns if name in stored])  # at once: hundreds of labels have many
    wrong = []
    for name, reported in results.reported.items():
        values = results.values(name)
        values = values[~np.isnan(values)]
        if len(values) and not math.isclose(_fold(values, aggregation), reported, rel_tol=1e-9, abs_tol=1e-12):
            wrong.append(name)
    if wrong:
        which = wrong[0] if len(wrong) == 1 else f"{wrong[0]} and {len(wrong) - 1} more"
        yield f"The value that the job reports for {which} is not the {aggregation} of its rows."


def _fold(values: NDArray[np.float64], aggregation: Aggregation) -> float:
    if aggregation in {"min", "max"}:
        return float(values.min() if aggregation == "min" else values.max())
    try:
        total = math.fsum(values)
    except OverflowError:  # of the sum; the mean may be a double still
        return math.inf if aggregation == "sum" else math.fsum(values * 2.0**-64) / len(values) * 2.0**64
    return total if aggregation == "sum" else total / len(values)


def _show_means(document: Document, console: Console) -> None:
    aggregation = document.run.aggregation
    folded = aggregation if aggregation in {"min", "max", "sum"} else None
    level = write.level(document.metrics[0].estimate.level)
    rows = (
        (
            row.name,
            *with_interval(row.estimate),
            write.count(row.estimate.n),
            write.better(higher=row.higher_is_better),
            *([write.number(row.reported)] if folded else []),
        )
        for row in document.metrics
        if row.estimate.value != 0.0 or row.part is None or "." not in row.part
    )
    heads = ("metric", "mean", f"{level} interval", "scored", "better", *([folded] if folded else []))
    show_table(console, heads, by_metric(rows))
    if folded:
        say(console, f"{folded}: the value that the job reports. Mean and interval are over the scored rows.")


def _show_unscored(document: Document, console: Console) -> None:
    rows = [
        (row.name, write.count(row.estimate.n_unscored), write.number(row.worst), write.number(row.best))
        for row in document.metrics
        if row.estimate.n_unscored
    ]
    show_table(console, ("not scored on every row", "unscored", "worst case", "best case"), rows)
    if rows:
        say(console, "Worst and best case: the mean if every unscored row had scored the worse, or better, of 0 and 1.")
