"""Classifications: figures, labels, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Classification, Document, Label
from evalayer_lab.report.html._layout import (
    Cell,
    Column,
    Columns,
    Links,
    Section,
    details,
    explained,
    list_table,
    stated,
    table,
    titled,
)
from evalayer_lab.report.html._marks import axis_for, interval_mark, plot, shade
from evalayer_lab.report.html._markup import Html, el, hidden, join, user

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
        el("p", left) if left else None,
        _confusions(each),
        _labels(each),
        _figures(each, links),
    )


def _figures(each: Classification, links: Links) -> Html | None:
    if not each.figures:
        return None
    named = ((FIGURES.get(name, (titled(name), "")), estimate) for name, estimate in each.figures.items())
    rows = ((name, estimate, meaning) for (name, meaning), estimate in named)
    caption = f"Figures over {write.rows(sum(map(sum, each.confusion)))}"
    return details("All figures of this classification", explained(caption, "Figure", rows, links))


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
    mark = f"{shade(share, right=right)}{' diagonal' if right else ''}"
    share_shown = el("span", write.percent(share), class_="share") if n else None
    return join(hidden("right: ") if right else None, el("span", write.count(n), class_="n"), share_shown), mark


def _commonest(each: Classification) -> Html | None:
    names = [user(label.label) for label in each.labels] + [Html(_NO_LABEL)]
    errors = [
        (n, gold, predicted, n / max(1, sum(counts)))
        for gold, counts in enumerate(each.confusion[: len(each.labels)])
        for predicted, n in enumerate(counts[: len(names)])
        if n > 0 and predicted != gold
    ]
    errors.sort(key=lambda error: (-error[0], error[1:]))
    columns: Columns[tuple[int, int, int, float]] = [
        ("Gold label", lambda error: names[error[1]]),
        (Column("Predicted label", "text"), lambda error: names[error[2]]),
        ("Rows", lambda error: write.count(error[0])),
        ("Share of the gold label", lambda error: (write.percent(error[3]), shade(error[3]))),
    ]
    caption = f"The most common confusions. A matrix of {write.count(len(each.labels))} labels would not be readable."
    return list_table(caption, columns, errors, most=_CONFUSIONS, what="confusions")


def _labels(each: Classification) -> Html | None:
    ranked = sorted(each.labels, key=lambda label: 2.0 if label.f1.value is None else label.f1.value)
    caption = "Precision, recall and F1 by label, weakest first"
    if len(ranked) <= _WEAKEST:
        return _label_table(caption, ranked)
    every = write.count(len(ranked))
    weakest = _label_table(f"{caption}: the {_WEAKEST} weakest of {every}", ranked[:_WEAKEST])
    return join(weakest, details(f"All {every} labels", _label_table(caption, ranked)))


def _label_table(caption: str, labels: Sequence[Label]) -> Html | None:
    scale = axis_for(*(label.f1 for label in labels[:_MOST]))
    columns: Columns[Label] = [
        ("Label", lambda each: user(each.label)),
        (plot("F1 and its interval", scale), lambda each: interval_mark(each.f1, scale)),
        ("F1", lambda each: stated(each.f1)),
        ("Precision", lambda each: write.number(each.precision.value)),
        ("Recall", lambda each: write.number(each.recall.value)),
        ("Gold rows", lambda each: write.count(each.gold)),
        ("Predicted", lambda each: write.count(each.predicted)),
    ]
    return list_table(caption, columns, labels, most=_MOST, what="labels", classes="forest")
