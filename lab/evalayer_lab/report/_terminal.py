"""A report on a terminal, or in a pipe, 80 columns wide or more."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from rich.console import Console

from evalayer import label_of
from evalayer_lab.report._document import Classification, Confidence, Document, Segments
from evalayer_lab.report._figures import conditions_of, interval, kind_of, level_of, number, share, shown
from evalayer_lab.report._tables import GAP, add_row, say, show, table_of
from evalayer_lab.report._terminal_comparison import render_comparison

_WEAKEST: Final = 3
_FINDINGS: Final = 3
_CONFUSIONS: Final = 8  # shown of a matrix too wide for the console
_LABELS: Final = 20
_INVALID: Final = "(invalid)"
_MISSING: Final = "-"


def render(document: Document, console: Console) -> None:
    """Print a report: rows, metrics, classification, confidence, where it fails, and what to do next.

    Args:
        document: what `analyse` made.
        console: where to. Text of the data is printed with control characters replaced and without markup.
    """
    say(console, document.run.name, style="bold")
    if origin := _origin(document):
        say(console, origin)
    say(console, _rows(document))
    for kind, count in sorted(document.failures.items(), key=lambda item: (-item[1], item[0])):
        say(console, f"  failed with {kind}: {count:,}")
    if document.metrics:
        _metrics(document, console)
        _unscored(document, console)
    for classification in document.classifications:
        _figures(classification, console)
        _labels(classification, console)
        _confusion(classification, console)
    _decoded(document, console)
    if document.confidence is not None:
        _confidence(document.confidence, console)
    if document.segments is not None:
        _segments(document.segments, console)
    _slices(document, console)
    _error_kinds(document, console)
    if document.comparison is not None:
        render_comparison(document.comparison, console)
    if document.findings:
        console.print()
        say(console, "What to act on", style="bold")
    for index, finding in enumerate(document.findings[:_FINDINGS], 1):
        say(console, f"{index}. {finding.sentence} {finding.next_step}")
    notes = list(document.notes)
    if document.correctness is not None and document.no_confidence is not None:
        notes.append(f"No confidence. {document.no_confidence}")
    if notes:
        console.print()
    for note in notes:
        say(console, f"Note: {note}")


def _origin(document: Document) -> str:
    run = document.run
    named = (("task", run.task), ("backend", run.backend), ("aggregation", run.aggregation))
    return ", ".join(f"{what} {name}" for what, name in named if name is not None)


def _rows(document: Document) -> str:
    rows = document.rows
    if rows.read is None:
        return f"{rows.scored:,} rows scored"
    return (
        f"{rows.read:,} rows read, {rows.failed:,} failed, {rows.scored:,} scored; {rows.bad:,} broken lines left out"
    )


def _metrics(document: Document, console: Console) -> None:
    aggregation = document.run.aggregation
    folded = aggregation if aggregation in {"min", "max", "sum"} else None
    table = table_of("metric", "mean", f"{level_of(document.metrics[0].estimate)} interval", "scored", "better")
    if folded:
        table.add_column(folded, justify="right", no_wrap=True)
    counts = [row for row in document.metrics if row.part is not None and "." in row.part]
    rows_shown = [row for row in document.metrics if not (row in counts and row.estimate.value == 0.0)]
    for metric, rows in groupby(rows_shown, key=lambda row: row.metric):
        for index, row in enumerate(rows):
            if row.part is not None and index == 0:
                add_row(table, metric)
            add_row(
                table,
                row.name if row.part is None else f"  {row.part}",
                number(row.estimate.value),
                interval(row.estimate),
                f"{row.estimate.n:,}",
                {True: "higher", False: "lower", None: _MISSING}[row.higher_is_better],
                *([number(row.reported)] if folded else []),
            )
    show(console, table)
    if folded:
        say(console, f"{folded}: the value that the job reports. Mean and interval are over the scored rows.")


def _unscored(document: Document, console: Console) -> None:
    table = table_of("not scored on every row", "unscored", "worst case", "best case")
    for row in document.metrics:
        if row.estimate.n_unscored:
            add_row(table, row.name, f"{row.estimate.n_unscored:,}", number(row.worst), number(row.best))
    show(console, table)
    if table.row_count:
        say(console, "Worst and best case: the mean if every unscored row had scored the worse, or better, of 0 and 1.")


def _figures(classification: Classification, console: Console) -> None:
    figures = classification.figures
    if not figures:
        return
    title = f"{classification.metric}, over {sum(map(sum, classification.confusion)):,} rows"
    table = table_of(title, "value", f"{level_of(next(iter(figures.values())))} interval")
    for name, estimate in figures.items():
        add_row(table, name, number(estimate.value), interval(estimate))
    show(console, table)


def _labels(classification: Classification, console: Console) -> None:
    labels = classification.labels
    if len(labels) > _LABELS:
        commonest = sorted(labels, key=lambda row: -row.gold)[:_LABELS]
        table = table_of(
            f"{classification.metric}, the {_LABELS} commonest of {len(labels):,} labels",
            "gold",
            "predicted",
            "precision",
            "recall",
            "f1",
        )
    else:
        commonest = list(labels)
        table = table_of(f"{classification.metric}, by label", "gold", "predicted", "precision", "recall", "f1")
    for row in commonest:
        values = (number(row.precision.value), number(row.recall.value), number(row.f1.value))
        add_row(table, row.label, f"{row.gold:,}", f"{row.predicted:,}", *values)
    show(console, table)


def _confusion(classification: Classification, console: Console) -> None:
    labels = [row.label for row in classification.labels]
    answers = [*labels, _INVALID]
    corner = f"{classification.metric}: gold \\ answer"
    counts = classification.confusion
    columns = [max(len(answer), *(len(f"{row[column]:,}") for row in counts)) for column, answer in enumerate(answers)]
    if max(map(len, (corner, *labels))) + sum(width + GAP for width in columns) <= console.width:
        table = table_of(corner, *answers)
        for label, row in zip(labels, counts, strict=True):
            add_row(table, label, *(f"{count:,}" for count in row))
    else:
        table = table_of(f"commonest confusions of {classification.metric}", "rows")
        errors = [
            (count, gold, answer)
            for gold, row in enumerate(counts)
            for answer, count in enumerate(row)
            if gold != answer and count
        ]
        for count, gold, answer in sorted(errors, key=lambda error: (-error[0], error[1:]))[:_CONFUSIONS]:
            # Each name is cut on its own, so that both can be read.
            table.add_row(f"{shown(labels[gold])} taken for {shown(answers[answer])}".replace("[", r"\["), f"{count:,}")
    show(console, table)


def _decoded(document: Document, console: Console) -> None:
    """Values of corpus metrics that are no classification."""
    known = {classification.metric for classification in document.classifications}
    table = table_of("over all rows", "value")
    for name, value in document.decoded.items():
        metric, _, part = name.partition(".")
        if metric not in known:
            kind, _, label = part.rpartition(".")
            add_row(table, f"{metric}.{kind}.{label_of(label)}" if kind else name, number(value))
    show(console, table)


def _confidence(confidence: Confidence, console: Console) -> None:
    accuracy = confidence.accuracy
    table = table_of(
        f"confidence beside {confidence.correctness}, {confidence.n:,} rows", "value", f"{level_of(accuracy)} interval"
    )
    add_row(table, "mean confidence", number(confidence.mean), _MISSING)
    for name, estimate in (
        ("accuracy", accuracy),
        ("expected calibration error", confidence.expected_calibration_error),
        ("Brier score", confidence.brier_score),
        ("AUROC", confidence.auroc),
    ):
        add_row(table, name, number(estimate.value), interval(estimate))
    show(console, table)
    for reason, count in confidence.missing.items():
        say(console, f"Without confidence: {count:,} of {confidence.n + accuracy.n_unscored:,} rows. {reason}")
    say(console, confidence.gate.sentence)


def _segments(segments: Segments, console: Console) -> None:
    if not segments.ranked:
        console.print()
        say(console, f"No segment has {segments.min_rows} scored rows, so none is ranked.")
        return
    whole = segments.whole
    title = f"weakest segments by {segments.metric}"
    table = table_of(title, "mean", f"{level_of(whole)} interval", "scored", "stands out")
    for segment in segments.ranked[:_WEAKEST]:
        add_row(
            table,
            conditions_of(segment.conditions),
            number(segment.estimate.value),
            interval(segment.estimate),
            f"{segment.estimate.n:,}",
            "yes" if segment.stands_out else "no",
        )
    add_row(table, "all rows", number(whole.value), interval(whole), f"{whole.n:,}")
    show(console, table)


def _slices(document: Document, console: Console) -> None:
    """What the search found; that it found nothing is said only where no segment stands out either."""
    slices, segments = document.slices, document.segments
    if slices is None or segments is None or not segments.ranked:
        return
    if slices.found:
        say(console, slices.sentence)
    elif any(segment.stands_out for segment in segments.ranked):
        return
    elif slices.searched:
        say(console, slices.sentence)
    else:
        say(
            console, f"No segment stands out: chance explains the differences between the {segments.n_ranked:,} ranked."
        )


def _error_kinds(document: Document, console: Console) -> None:
    if not document.error_kinds:
        return
    answers = document.error_kinds[0].share.n
    table = table_of(f"wrong answers by kind, by {document.correctness}", "rows", f"of {answers:,}")
    for kind in document.error_kinds:
        if kind.rows:
            add_row(table, kind_of(kind.kind), f"{kind.rows:,}", share(kind.share.value))
    show(console, table)
