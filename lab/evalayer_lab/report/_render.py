"""A summary on a terminal, or in a pipe, 80 columns wide or more."""

from __future__ import annotations

from itertools import groupby
from typing import Final

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalayer import label_of
from evalayer_lab.report._records import Confusion, MetricRow, Summary, Weakest
from evalayer_lab.statistics import Estimate

_WEAKEST: Final = 3
_WIDEST_MATRIX: Final = 8  # classes; a larger matrix is shown as its commonest confusions
_LONGEST: Final = 60
_MISSING: Final = "-"


def render(summary: Summary, console: Console) -> None:
    """Print a summary: the rows, the metrics, decoded values, confusions, the weakest segments, and what to do next.

    Args:
        summary: what `summarize` made.
        console: where to. Text of the data is printed with control characters replaced and without markup.
    """
    _say(console, _head(summary), style="bold")
    _say(console, _rows(summary))
    for kind, count in sorted(summary.run.failures.items(), key=lambda item: (-item[1], item[0])):
        _say(console, f"  failed with {kind}: {count}")
    if summary.metrics:
        console.print()
        _metrics(summary, console)
    if summary.decoded:
        _decoded(summary, console)
    for confusion in summary.confusions:
        _confusion(confusion, console)
    if summary.segments is not None:
        _segments(summary.segments, console)
    for note in summary.notes:
        _say(console, f"Note: {note}")
    if summary.next_step is not None:
        _say(console, f"Next: {summary.next_step}", style="bold")


def _head(summary: Summary) -> str:
    run = summary.run
    named = (
        ("task", run.task),
        ("backend", None if run.backend is None else run.backend.name),
        ("aggregation", run.aggregation),
    )
    return "   ".join((run.run_name, *(f"{what}: {name}" for what, name in named if name is not None)))


def _rows(summary: Summary) -> str:
    rows = summary.run.rows
    if rows is None:
        return f"{summary.rows} rows scored"
    return f"{rows.read} rows read, {rows.failed} failed, {rows.scored} scored; {rows.bad} broken lines left out"


def _metrics(summary: Summary, console: Console) -> None:
    folded = summary.run.aggregation if summary.run.aggregation in {"min", "max", "sum"} else None
    has_unscored = any(row.estimate.n_unscored for row in summary.metrics)
    table = _table("metric", "mean", f"{_level(summary.metrics[0].estimate)} interval", "scored", "better")
    if has_unscored:
        table.add_column("worst to best", justify="right", no_wrap=True)
    if folded:
        table.add_column(f"job's {folded}", justify="right", no_wrap=True)
    for metric, rows in groupby(summary.metrics, key=lambda row: row.metric):
        for index, row in enumerate(rows):
            if row.part is not None and index == 0:
                table.add_row(_plain(metric))
            table.add_row(*_metric_cells(row, has_unscored=has_unscored, folded=folded is not None))
    console.print(table)
    if folded:
        _say(console, f"The job folds with {folded}; mean and interval are over the scored rows.")
    if has_unscored:
        _say(
            console,
            "Worst to best: the mean if all unscored rows were wrong, or all right (scores from 0 to 1 only).",
        )
    console.print()


def _metric_cells(row: MetricRow, *, has_unscored: bool, folded: bool) -> list[Text]:
    estimate = row.estimate
    cells = [
        _plain(row.name if row.part is None else f"  {row.part}"),
        Text(_number(estimate.value)),
        Text(_interval(estimate)),
        Text(f"{estimate.n}/{estimate.n + estimate.n_unscored}" if estimate.n_unscored else str(estimate.n)),
        Text({True: "higher", False: "lower", None: _MISSING}[row.higher_is_better]),
    ]
    if has_unscored:
        known = row.worst is not None and row.best is not None
        cells.append(Text(f"{_number(row.worst)} to {_number(row.best)}" if known else _MISSING))
    if folded:
        cells.append(Text(_number(row.reported)))
    return cells


def _decoded(summary: Summary, console: Console) -> None:
    """Values of the whole data set: those of a metric in one table, those of its labels in another."""
    whole = _table("over all rows", "value")
    by_label: dict[tuple[str, str], dict[str, float | None]] = {}
    for name, value in summary.decoded.items():
        metric, _, part = name.partition(".")
        kind, _, label = part.partition(".")
        if label:
            by_label.setdefault((metric, label_of(label)), {})[kind] = value
        else:
            whole.add_row(_plain(name), Text(_number(value)))
    if whole.row_count:
        console.print(whole)
        console.print()
    kinds = list(dict.fromkeys(kind for values in by_label.values() for kind in values))
    if kinds:
        table = _table("by label", *map(_shown, kinds))
        for (metric, label), values in by_label.items():
            table.add_row(_plain(f"{metric}: {label}"), *(Text(_number(values.get(kind))) for kind in kinds))
        console.print(table)
        console.print()


def _confusion(confusion: Confusion, console: Console) -> None:
    labels = [*confusion.labels, "(invalid)"]
    if len(confusion.labels) <= _WIDEST_MATRIX:
        table = _table(f"{_shown(confusion.metric)}: gold \\ answer", *map(_shown, labels), wrap=True)
        for label, counts in zip(confusion.labels, confusion.counts, strict=True):
            table.add_row(_plain(label), *(Text(str(count)) for count in counts))
    else:
        table = _table(f"{_shown(confusion.metric)}: gold", "answer", "rows", wrap=True)
        errors = confusion.counts.copy()
        np.fill_diagonal(errors, 0)
        for cell in np.argsort(-errors, axis=None, kind="stable")[:_WIDEST_MATRIX]:
            gold, predicted = divmod(int(cell), len(labels))
            if errors[gold, predicted]:
                table.add_row(_plain(labels[gold]), _plain(labels[predicted]), Text(str(errors[gold, predicted])))
    console.print(table)
    console.print()


def _segments(weakest: Weakest, console: Console) -> None:
    table = weakest.table
    if not table.ranked:
        _say(console, f"No segment has {table.min_scored} scored rows, so none is ranked.")
        return
    shown = table.ranked[:_WEAKEST]
    grid = _table("weakest segments", _shown(weakest.name), f"{_level(table.whole)} interval", "scored", "stands out")
    for segment in shown:
        estimate = segment.estimate
        grid.add_row(
            _plain(f"{segment.key} = {segment.value}"),
            Text(_number(estimate.value)),
            Text(_interval(estimate)),
            Text(f"{estimate.n}/{segment.n}" if estimate.n_unscored else str(estimate.n)),
            Text("yes" if segment.stands_out else "no"),
        )
    grid.add_row(
        Text("all rows"), Text(_number(table.whole.value)), Text(_interval(table.whole)), Text(str(table.whole.n))
    )
    console.print(grid)
    if not any(segment.stands_out for segment in table.ranked):
        _say(
            console,
            f"No segment stands out: with {len(table.ranked)} segments looked at, "
            "none differs from the whole by more than chance explains.",
        )
    console.print()


def _table(first: str, *others: str, wrap: bool = False) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column(Text(first), overflow="fold", min_width=12)
    for other in others:
        table.add_column(Text(other), justify="right", overflow="fold", no_wrap=not wrap)
    return table


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(_shown(text, limit=None), style=style))


def _plain(text: str) -> Text:
    return Text(_shown(text))


def _shown(text: str, limit: int | None = _LONGEST) -> str:
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _level(estimate: Estimate) -> str:
    return f"{100 * estimate.level:g} %"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return _MISSING
    return f"{_number(estimate.low)} to {_number(estimate.high)}"


def _number(value: float | None) -> str:
    if value is None:
        return _MISSING
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"
