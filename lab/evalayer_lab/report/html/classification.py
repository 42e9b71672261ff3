"""Classifications: figures, labels, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Classification, Document, Label
from evalayer_lab.report.html._layout import (
    Cell,
    Column,
    Links,
    Section,
    details,
    left_out,
    paragraph,
    stated,
    table,
    titled,
)
from evalayer_lab.report.html._marks import axis_for, interval_mark, plot
from evalayer_lab.report.html._markup import Html, el, few, hidden, join, user
from evalayer_lab.report.html._palette import shade

_MATRIX: Final = 12  # labels that a matrix can show side by side
_WEAKEST: Final = 20
_MOST: Final = 200
_CONFUSIONS: Final = 20
_NO_LABEL: Final = "no valid label"
FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "accuracy": ("Accuracy", "The share of rows that are given the right label."),
    "balanced_accuracy": (
        "Balanced accuracy",
        "The mean recall of the labels: rare labels weigh as much as common ones.",
    ),
    "f1_macro": ("F1, macro", "The mean F1 of the labels: rare labels weigh as much as common ones."),
    "f1_weighted": ("F1, weighted", "The mean F1 of the labels, weighted by their rows."),
    "mcc": ("Matthews correlation", "1 if gold and predicted labels always agree, 0 if they agree as chance would."),
    "kappa": ("Cohen's kappa", "Agreement beyond what chance gives; 1 is perfect."),
}
"""What the figures are called and what they mean."""


def draw(document: Document, links: Links) -> Section | None:
    """Show each classification."""
    given = document.classifications
    if not given:
        return None
    body = join(*(_one(each, links, named=len(given) > 1) for each in given))
    return Section("labels", "Labels and confusions", body, "classifications")


def _one(each: Classification, links: Links, *, named: bool) -> Html:
    left = f"Left out, without a single gold label: {write.rows(each.n_left_out)}." if each.n_left_out else None
    return join(
        el("h3", user(each.metric)) if named else None,
        paragraph(left) if left else None,
        _confusions(each),
        _labels(each),
        _figures(each, links),
    )


def _figures(each: Classification, links: Links) -> Html | None:
    if not each.figures:
        return None
    columns = ("Figure", "Value, with its interval", Column("What it means", "text"), Column("How", "text"))
    rows = [
        (
            FIGURES.get(name, (titled(name), ""))[0],
            stated(estimate),
            FIGURES.get(name, ("", ""))[1],
            links.method(estimate.method),
        )
        for name, estimate in each.figures.items()
    ]
    return details(
        "All figures of this classification",
        table(f"Figures over {write.rows(sum(map(sum, each.confusion)))}", columns, rows),
    )


def _confusions(each: Classification) -> Html | None:
    if not each.labels or not each.confusion:
        return None
    return _matrix(each) if len(each.labels) <= _MATRIX else _commonest(each)


def _matrix(each: Classification) -> Html:
    names = [label.label for label in each.labels]
    invalid = any(row[len(names)] for row in each.confusion if len(row) > len(names))
    answers = [user(name, 40) for name in names] + ([Html(_NO_LABEL)] if invalid else [])
    columns = ("Gold label", *answers, "Rows")
    rows = []
    for index, (name, counts) in enumerate(zip(names, each.confusion, strict=False)):
        whole = sum(counts)
        cells: list[Cell] = [
            _matrix_cell(n, whole, right=column == index) for column, n in enumerate(counts[: len(answers)])
        ]
        rows.append([user(name, 40), *cells, write.count(whole)])
    said = (
        "Rows by gold label (down) and predicted label (across), with their share of the row. Framed and blue: right. "
        "Orange: wrong. The stronger the colour, the larger the share."
    )
    return table(f"Confusion matrix. {said}", columns, rows, classes="matrix")


def _matrix_cell(n: int, whole: int, *, right: bool) -> tuple[str, str]:
    share = n / whole if whole > 0 else 0.0
    mark = f"{'r' if right else 'w'}{shade(share)}{' diagonal' if right else ''}"
    share_shown = el("span", write.percent(share), class_="share") if n else None
    return join(hidden("right: ") if right else None, el("span", write.count(n), class_="n"), share_shown), mark


def _commonest(each: Classification) -> Html:
    names = [label.label for label in each.labels]
    pairs = [
        (n, gold, predicted)
        for gold, counts in enumerate(each.confusion[: len(names)])
        for predicted, n in enumerate(counts[: len(names) + 1])
        if n > 0 and predicted != gold
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    shown, left = few(pairs, _CONFUSIONS)
    columns = ("Gold label", Column("Predicted label", "text"), "Rows", "Share of the gold label")
    rows: list[list[Cell]] = []
    for n, gold, predicted in shown:
        share = n / max(1, sum(each.confusion[gold]))
        answer = user(names[predicted]) if predicted < len(names) else Html(_NO_LABEL)
        rows.append([user(names[gold]), answer, write.count(n), (write.percent(share), f"w{shade(share)}")])
    caption = f"The most common confusions. A matrix of {write.count(len(names))} labels would not be readable."
    return join(table(caption, columns, rows), left_out(left, "confusions"))


def _labels(each: Classification) -> Html | None:
    if not each.labels:
        return None
    ranked = sorted(each.labels, key=lambda label: 2.0 if label.f1.value is None else label.f1.value)
    few_enough = len(ranked) <= _WEAKEST
    caption = "Precision, recall and F1 by label, weakest first"
    if few_enough:
        return _label_table(caption, ranked)
    shown, left = few(ranked, _MOST)
    return join(
        _label_table(f"{caption}: the {_WEAKEST} weakest of {write.count(len(ranked))}", ranked[:_WEAKEST]),
        details(f"All {write.count(len(ranked))} labels", _label_table(caption, shown), left_out(left, "labels")),
    )


def _label_table(caption: str, labels: Sequence[Label]) -> Html:
    scale = axis_for(*(label.f1 for label in labels))
    columns = (
        "Label",
        plot("F1 and its interval", scale),
        "F1",
        "Precision",
        "Recall",
        "Gold rows",
        "Predicted",
    )
    rows: list[list[Cell]] = [
        [
            user(label.label),
            interval_mark(label.f1, scale),
            stated(label.f1),
            write.number(label.precision.value),
            write.number(label.recall.value),
            write.count(label.gold),
            write.count(label.predicted),
        ]
        for label in labels
    ]
    return table(caption, columns, rows, classes="forest")
