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
from evalayer_lab.report._records import Confusion, Summary, Weakest
from evalayer_lab.statistics import Estimate

_WEAKEST: Final = 3
_AVERAGES: Final = ("micro", "macro", "weighted")
_CONFUSIONS: Final = 8  # shown of a matrix too wide for the console
_LONGEST: Final = 60  # characters of a name or label
_GAP: Final = 2  # blanks between columns
_INVALID: Final = "(invalid)"
_MISSING: Final = "-"


def render(summary: Summary, console: Console) -> None:
    """Print a summary: the rows, the metrics, decoded values, confusions, the weakest segments, and what to do next.

    Args:
        summary: what `summarize` made.
        console: where to. Text of the data is printed with control characters replaced and without markup.
    """
    _say(console, summary.run.run_name, style="bold")
    if origin := _origin(summary):
        _say(console, origin)
    _say(console, _rows(summary))
    for kind, count in sorted(summary.run.failures.items(), key=lambda item: (-item[1], item[0])):
        _say(console, f"  failed with {kind}: {count}")
    if summary.metrics:
        _metrics(summary, console)
        _unscored(summary, console)
    if summary.decoded:
        _decoded(summary, console)
    for confusion in summary.confusions:
        _confusion(confusion, console)
    if summary.segments is not None:
        _segments(summary.segments, console)
    if summary.notes or summary.next_step is not None:
        console.print()
    for note in summary.notes:
        _say(console, f"Note: {note}")
    if summary.next_step is not None:
        _say(console, f"Next: {summary.next_step}", style="bold")


def _origin(summary: Summary) -> str:
    run = summary.run
    named = (
        ("task", run.task),
        ("backend", None if run.backend is None else run.backend.name),
        ("aggregation", run.aggregation),
    )
    return ", ".join(f"{what} {name}" for what, name in named if name is not None)


def _rows(summary: Summary) -> str:
    rows = summary.run.rows
    if rows is None:
        return f"{summary.rows} rows scored"
    return f"{rows.read} rows read, {rows.failed} failed, {rows.scored} scored; {rows.bad} broken lines left out"


def _metrics(summary: Summary, console: Console) -> None:
    folded = summary.run.aggregation if summary.run.aggregation in {"min", "max", "sum"} else None
    table = _table("metric", "mean", f"{_level(summary.metrics[0].estimate)} interval", "scored", "better")
    if folded:
        table.add_column(folded, justify="right", no_wrap=True)
    shown = [row for row in summary.metrics if not (row.is_count and row.estimate.value == 0.0)]
    for metric, rows in groupby(shown, key=lambda row: row.metric):
        for index, row in enumerate(rows):
            if row.part is not None and index == 0:
                table.add_row(_plain(metric))
            cells = [
                _plain(row.name if row.part is None else f"  {row.part}"),
                Text(_number(row.estimate.value)),
                Text(_interval(row.estimate)),
                Text(str(row.estimate.n)),
                Text({True: "higher", False: "lower", None: _MISSING}[row.higher_is_better]),
            ]
            table.add_row(*cells, *([Text(_number(row.reported))] if folded else []))
    _show(console, table)
    if folded:
        _say(console, f"{folded}: the value that the job reports. Mean and interval are over the scored rows.")


def _unscored(summary: Summary, console: Console) -> None:
    table = _table("not scored on every row", "unscored", "worst case", "best case")
    for row in summary.metrics:
        if row.estimate.n_unscored:
            table.add_row(
                _plain(row.name),
                Text(str(row.estimate.n_unscored)),
                Text(_number(row.worst)),
                Text(_number(row.best)),
            )
    if table.row_count:
        _show(console, table)
        _say(
            console, "Worst and best case: the mean if every unscored row had scored the worse, or better, of 0 and 1."
        )


def _decoded(summary: Summary, console: Console) -> None:
    """Values of the whole data set in one table; those by label, and their averages over labels, in another."""
    whole = _table("over all rows", "value")
    by_label: dict[str, dict[str, float | None]] = {}
    averages: dict[str, dict[str, float | None]] = {}
    for name, value in summary.decoded.items():
        metric, _, part = name.partition(".")
        kind, _, label = part.partition(".")
        averaged, _, average = part.rpartition("_")
        if label:
            by_label.setdefault(f"{metric}: {label_of(label)}", {})[kind] = value
        elif averaged and average in _AVERAGES:
            averages.setdefault(f"{metric}, {average} average", {})[averaged] = value
        else:
            whole.add_row(_plain(name), Text(_number(value)))
    if whole.row_count:
        _show(console, whole)
    rows = by_label | averages
    kinds = list(dict.fromkeys(kind for values in rows.values() for kind in values))
    if rows:
        table = _table("by label", *kinds)
        for name, values in rows.items():
            table.add_row(_plain(name), *(Text(_number(values.get(kind))) for kind in kinds))
        _show(console, table)


def _confusion(confusion: Confusion, console: Console) -> None:
    answers = [*confusion.labels, _INVALID]
    corner = f"{confusion.metric}: gold \\ answer"
    columns = [
        max(len(answer), len(str(column.max()))) for answer, column in zip(answers, confusion.counts.T, strict=True)
    ]
    if max(map(len, (corner, *confusion.labels))) + sum(width + _GAP for width in columns) <= console.width:
        table = _table(corner, *answers)
        for label, counts in zip(confusion.labels, confusion.counts, strict=True):
            table.add_row(_plain(label), *(Text(str(count)) for count in counts))
    else:
        table = _table(f"commonest confusions of {confusion.metric}", "rows")
        errors = confusion.counts.copy()
        np.fill_diagonal(errors, 0)
        for cell in np.argsort(-errors, axis=None, kind="stable")[:_CONFUSIONS]:
            gold, answer = divmod(int(cell), len(answers))
            if errors[gold, answer]:
                shown = f"{_shown(confusion.labels[gold])} taken for {_shown(answers[answer])}"
                table.add_row(Text(shown), Text(str(errors[gold, answer])))
    if table.row_count:
        _show(console, table)


def _segments(weakest: Weakest, console: Console) -> None:
    table = weakest.table
    if not table.ranked:
        console.print()
        _say(console, f"No segment has {table.min_scored} scored rows, so none is ranked.")
        return
    grid = _table(
        f"weakest segments by {weakest.name}", "mean", f"{_level(table.whole)} interval", "scored", "stands out"
    )
    for segment in table.ranked[:_WEAKEST]:
        grid.add_row(
            _plain(f"{segment.key} = {segment.value}"),
            Text(_number(segment.estimate.value)),
            Text(_interval(segment.estimate)),
            Text(str(segment.estimate.n)),
            Text("yes" if segment.stands_out else "no"),
        )
    grid.add_row(
        Text("all rows"), Text(_number(table.whole.value)), Text(_interval(table.whole)), Text(str(table.whole.n))
    )
    _show(console, grid)
    if not any(segment.stands_out for segment in table.ranked):
        _say(
            console,
            f"No segment stands out: of {len(table.ranked)} looked at, none is weaker than the whole by more than "
            "chance explains.",
        )


def _table(first: str, *others: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), header_style="bold"
    )
    table.add_column(_plain(first), overflow="fold")
    for other in others:
        table.add_column(_plain(other), justify="right", no_wrap=True)
    return table


def _show(console: Console, table: Table) -> None:
    console.print()
    console.print(table)


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
