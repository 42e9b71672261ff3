"""Each classification, exact for the whole dataset: figures, labels, confusions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from rich.console import Console
from rich.text import Text

from evalayer import label_of
from evalayer_lab.report import write
from evalayer_lab.report._document import Classification, Document, Label
from evalayer_lab.report._part import EXAMPLES, RARE, Part, RowFinding
from evalayer_lab.report._question import Question
from evalayer_lab.report._tables import GAP, show_table, with_interval
from evalayer_lab.results import Results
from evalayer_lab.statistics import classification_report

METHODS: Final = {
    "classifications": "Figures are decoded from the counters of each row, exactly, over all scored rows. A "
    "prediction that is not one of the labels is wrong: a false negative of its gold label and a false positive of "
    "none.",
}
_CONFUSIONS: Final = 8  # shown of a matrix too wide for the console
_LABELS: Final = 20
_INVALID: Final = "(invalid)"


def analyse(question: Question) -> Part:
    """Decode every metric that reports `correct` and the counters `tp`, `fp`, `fn` of each label."""
    found = tuple(_classifications(question.results, level=question.level))
    return Part(
        fields={"classifications": found, "decoded": question.results.run.decoded},
        findings=[finding for each in found for finding in _confusions(each, question.results, named=len(found) > 1)],
        notes=[
            f"The figures of {each.metric} leave out {write.rows(each.n_left_out)} whose counters do not name a single "
            "label."
            for each in found
            if each.n_left_out
        ],
    )


def show(document: Document, console: Console) -> None:
    """Print each classification, and the other values that are over all rows."""
    for each in document.classifications:
        _show_figures(each, console)
        _show_labels(each, console)
        _show_confusions(each, console)
    _show_decoded(document, console)


def _classifications(results: Results, *, level: float) -> Iterator[Classification]:
    for metric in results.metrics:
        if not metric.class_labels or not results.rows:
            continue
        gold, predicted, labels = results.classes(metric)
        scored = results.scored(metric)
        report = classification_report(np.where(scored, gold, -1), predicted, labels, level=level)
        yield Classification(
            metric=metric.name,
            figures={
                "accuracy": report.accuracy,
                "balanced_accuracy": report.balanced_accuracy,
                "f1_macro": report.f1.macro,
                "f1_weighted": report.f1.weighted,
                "mcc": report.mcc,
                "kappa": report.kappa,
            },
            labels=tuple(Label.of(row, gold=row.support) for row in report.by_label),
            confusion=tuple(tuple(row) for row in report.confusion.counts.tolist()),
            n_left_out=int(np.count_nonzero(scored & (gold < 0))),
        )


def _confusions(each: Classification, results: Results, *, named: bool) -> Iterator[RowFinding]:
    """The commonest confusion, where there is a single one."""
    errors = np.array(each.confusion)
    rows = int(errors.sum())
    np.fill_diagonal(errors, 0)
    count = int(errors.max(initial=0))
    if count < max(2, RARE * rows) or np.count_nonzero(errors == count) > 1:
        return
    gold, predicted = (int(place) for place in np.unravel_index(int(errors.argmax()), errors.shape))
    label = each.labels[gold]
    if predicted == len(each.labels):
        predicted, what = -1, f"{write.have(count)} an answer that names no label"
        step = "Say in the prompt that one of the labels must be given."
    else:
        what = f"{write.are(count)} taken for {each.labels[predicted].label}"
        step = "Explain in the prompt how the two differ, in the words of these rows."
    golds, predictions, _ = results.classes(next(metric for metric in results.metrics if metric.name == each.metric))
    yield RowFinding(
        5,
        "confusion",
        f"{count:,} of {label.gold:,} {label.label} rows {what}{f' by {each.metric}' if named else ''}.",
        step,
        count,
        np.flatnonzero((golds == gold) & (predictions == predicted))[:EXAMPLES].tolist(),
    )


def _show_figures(each: Classification, console: Console) -> None:
    level = next((write.level(estimate.level) for estimate in each.figures.values()), "")
    heads = (f"{each.metric}, over {sum(map(sum, each.confusion)):,} rows", "value", f"{level} interval")
    show_table(console, heads, [(name, *with_interval(estimate)) for name, estimate in each.figures.items()])


def _show_labels(classification: Classification, console: Console) -> None:
    labels: Sequence[Label] = classification.labels
    what = "by label"
    if len(labels) > _LABELS:
        what = f"the {_LABELS} most common of {len(labels):,} labels"
        labels = sorted(labels, key=lambda row: -row.gold)[:_LABELS]
    rows = (
        (
            row.label,
            *map(write.count, (row.gold, row.predicted)),
            *map(write.number, (each.value for each in (row.precision, row.recall, row.f1))),
        )
        for row in labels
    )
    heads = (f"{classification.metric}, {what}", "gold", "predicted", "precision", "recall", "f1")
    show_table(console, heads, rows)


def _show_confusions(classification: Classification, console: Console) -> None:
    labels = [row.label for row in classification.labels]
    answers = [*labels, _INVALID]
    corner = f"{classification.metric}: gold \\ answer"
    counts = classification.confusion
    columns = [max(len(answer), *(len(f"{row[column]:,}") for row in counts)) for column, answer in enumerate(answers)]
    if max(map(len, (corner, *labels))) + sum(width + GAP for width in columns) <= console.width:
        matrix = ((label, *map(write.count, row)) for label, row in zip(labels, counts, strict=True))
        show_table(console, (corner, *answers), matrix)
        return
    errors = [
        (count, gold, answer)
        for gold, row in enumerate(counts)
        for answer, count in enumerate(row)
        if gold != answer and count
    ]
    errors = sorted(errors, key=lambda error: (-error[0], error[1:]))[:_CONFUSIONS]
    # Each name is cut on its own, so that both can be read.
    pairs = (
        f"{write.one_line(labels[gold])} taken for {write.one_line(answers[answer])}" for _, gold, answer in errors
    )
    rows = ((Text(pair), write.count(count)) for pair, (count, *_) in zip(pairs, errors, strict=True))
    show_table(console, (f"most common confusions of {classification.metric}", "rows"), rows)


def _show_decoded(document: Document, console: Console) -> None:
    """Values of corpus metrics that are not classifications."""
    known = {classification.metric for classification in document.classifications}
    rows = []
    for name, value in document.decoded.items():
        metric, _, part = name.partition(".")
        if metric not in known:
            kind, _, label = part.rpartition(".")
            rows.append((f"{metric}.{kind}.{label_of(label)}" if kind else name, write.number(value)))
    show_table(console, ("over all rows", "value"), rows)
