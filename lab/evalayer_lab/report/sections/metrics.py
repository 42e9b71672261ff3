"""Every metric, and whether the job's own figures agree with its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from evalayer import Aggregation
from evalayer_lab.report import write
from evalayer_lab.report._document import Document
from evalayer_lab.report._part import Part
from evalayer_lab.report._question import Question
from evalayer_lab.report._tables import add_row, new_table, say, show_table
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
    table = new_table("metric", "mean", f"{level} interval", "scored", "better", *([folded] if folded else []))
    counts = [row for row in document.metrics if row.part is not None and "." in row.part]
    rows_shown = [row for row in document.metrics if not (row in counts and row.estimate.value == 0.0)]
    for metric, rows in groupby(rows_shown, key=lambda row: row.metric):
        for index, row in enumerate(rows):
            if row.part is not None and index == 0:
                add_row(table, metric)
            add_row(
                table,
                row.name if row.part is None else f"  {row.part}",
                write.value(row.estimate),
                write.interval(row.estimate),
                write.count(row.estimate.n),
                write.better(higher=row.higher_is_better),
                *([write.number(row.reported)] if folded else []),
            )
    show_table(console, table)
    if folded:
        say(console, f"{folded}: the value that the job reports. Mean and interval are over the scored rows.")


def _show_unscored(document: Document, console: Console) -> None:
    table = new_table("not scored on every row", "unscored", "worst case", "best case")
    for row in document.metrics:
        if row.estimate.n_unscored:
            bounds = (write.number(row.worst), write.number(row.best))
            add_row(table, row.name, write.count(row.estimate.n_unscored), *bounds)
    show_table(console, table)
    if table.row_count:
        say(console, "Worst and best case: the mean if every unscored row had scored the worse, or better, of 0 and 1.")
