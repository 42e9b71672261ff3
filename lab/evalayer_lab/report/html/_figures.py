"""Headline figures as cards: the value, its interval, the rows it stands on, what it means."""

from __future__ import annotations

from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Classification, Confidence, Document, Metric
from evalayer_lab.report.html._layout import Links, Section, paragraph
from evalayer_lab.report.html._marks import gauge
from evalayer_lab.report.html._markup import Html, el, join, user
from evalayer_lab.report.html.classification import FIGURES
from evalayer_lab.statistics import Estimate

_MOST: Final = 9
_SHOWN: Final = ("accuracy", "f1_macro")


def figures(document: Document, links: Links) -> Section | None:
    """Show the figures that most readers come for."""
    several = len(document.classifications) > 1
    cards = [_classification_cards(each, links, named=several) for each in document.classifications]
    whole = [metric for metric in document.metrics if metric.part is None]
    if document.confidence is not None:
        cards.append(_confidence_cards(document.confidence, links))
    room = max(0, _MOST - sum(map(len, cards)))
    cards.insert(len(document.classifications), [_metric_card(metric, links) for metric in whole[:room]])
    shown = [card for group in cards for card in group]
    if not shown:
        return None
    return Section("figures", "The figures", el("ul", *shown, class_="cards"))


def _classification_cards(classification: Classification, links: Links, *, named: bool) -> list[Html]:
    cards = []
    for name in _SHOWN:
        estimate = classification.figures.get(name)
        if estimate is not None:
            title, meaning = FIGURES[name]
            of = join(" of ", user(classification.metric, 40)) if named else None
            cards.append(_card(join(title, of), estimate, meaning, links))
    return cards


def _metric_card(metric: Metric, links: Links) -> Html:
    better = {True: "Higher is better.", False: "Lower is better.", None: None}[metric.higher_is_better]
    bounds = None
    if metric.estimate.n_unscored and metric.worst is not None and metric.best is not None:
        low, high = write.number(metric.worst), write.number(metric.best)
        bounds = f"Between {low} and {high} if the unscored rows are counted at their worst and best."
    meaning = " ".join(part for part in ("Mean over the scored rows.", better, bounds) if part)
    return _card(user(metric.name, 60), metric.estimate, meaning, links)


def _confidence_cards(confidence: Confidence, links: Links) -> list[Html]:
    gate = confidence.gate
    value = write.percent(gate.coverage) if gate.threshold is not None else "none"
    if gate.threshold is None:
        meaning = gate.sentence
    else:
        meaning = (
            f"The share of answers with a confidence above {write.confidence(gate.threshold)}. Used unseen, at most "
            f"{write.level(gate.max_risk)} of them are wrong, with {write.level(gate.level)} confidence."
        )
    calibration = confidence.expected_calibration_error
    said = "How far confidence is from the share that is right, on average. 0 is perfect."
    return [
        _raw_card(
            "Answers that need no check",
            value,
            None,
            None,
            f"{write.count(gate.n_accepted)} of {write.rows(confidence.n)} with a confidence",
            meaning,
        ),
        _card("Calibration error", calibration, said, links),
    ]


def _card(title: str, estimate: Estimate, meaning: str, links: Links) -> Html:
    value = write.value(estimate) if estimate.value is not None else "no value"
    expected = estimate.n + estimate.n_unscored
    on = f"{write.count(estimate.n)} of {write.rows(expected)}" if estimate.n_unscored else write.rows(estimate.n)
    if estimate.value is None:
        return _raw_card(title, value, None, None, on, "No row has a value.")
    if estimate.low is None and estimate.high is None:
        return _raw_card(title, value, None, None, join(on, ", ", links.method(estimate.method)), meaning)
    ends = (estimate.low, estimate.value, estimate.high)
    mark = None
    if all(end is not None and 0 <= end <= 1 for end in ends):
        mark = gauge(estimate)
    precision = join(write.interval(estimate), el("span", links.precision(estimate), class_="how"))
    return _raw_card(title, value, precision, mark, on, meaning)


def _raw_card(title: str, value: str, interval: Html | None, mark: Html | None, on: str, meaning: str) -> Html:
    return el(
        "li",
        el("h3", title),
        paragraph(value, classes="big" if any(letter.isdigit() for letter in value) else "big none"),
        el("div", el("span", "0"), mark, el("span", "1"), class_="gauge", aria_hidden="true") if mark else None,
        paragraph(interval, classes="interval") if interval else None,
        paragraph(on, classes="on"),
        paragraph(meaning, classes="meaning"),
    )
