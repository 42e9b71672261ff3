"""Headline figures as cards: the value, its interval, the rows it stands on, what it means."""

from __future__ import annotations

from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Classification, Confidence, Document, Metric
from evalayer_lab.report.html._layout import Links, Section
from evalayer_lab.report.html._marks import gauge
from evalayer_lab.report.html._markup import Html, el, join, user
from evalayer_lab.report.html.classification import FIGURES
from evalayer_lab.statistics import Estimate

_MOST: Final = 9
_SHOWN: Final = ("accuracy", "f1_macro")


def figures(document: Document, links: Links) -> Section | None:
    """Show the figures that most readers come for."""
    cards = [card for each in document.classifications for card in _classification_cards(each, document, links)]
    confident = [] if document.confidence is None else _confidence_cards(document.confidence, links)
    whole = [metric for metric in document.metrics if metric.part is None]
    cards += [_metric_card(metric, links) for metric in whole[: max(0, _MOST - len(cards) - len(confident))]]
    shown = cards + confident
    return Section("figures", "The figures", el("ul", *shown, class_="cards")) if shown else None


def _classification_cards(each: Classification, document: Document, links: Links) -> list[Html]:
    of = join(" of ", user(each.metric, 40)) if len(document.classifications) > 1 else None
    shown = ((each.figures[name], *FIGURES[name]) for name in _SHOWN if name in each.figures)
    return [_estimate_card(join(title, of), estimate, meaning, links) for estimate, title, meaning in shown]


def _metric_card(metric: Metric, links: Links) -> Html:
    meaning = "Mean over the scored rows."
    if metric.higher_is_better is not None:
        meaning += f" {write.better(higher=metric.higher_is_better).capitalize()} is better."
    if metric.estimate.n_unscored and metric.worst is not None and metric.best is not None:
        low, high = write.number(metric.worst), write.number(metric.best)
        meaning += f" Between {low} and {high} if the unscored rows are counted at their worst and best."
    return _estimate_card(user(metric.name, 60), metric.estimate, meaning, links)


def _confidence_cards(confidence: Confidence, links: Links) -> list[Html]:
    gate = confidence.gate
    value, meaning = "none", gate.sentence
    if gate.threshold is not None:
        value = write.percent(gate.coverage)
        meaning = (
            f"The share of answers with a confidence above {write.confidence(gate.threshold)}. If used without review, "
            f"at most {write.level(gate.max_risk)} of them are wrong, with {write.level(gate.level)} confidence."
        )
    on = f"{write.count(gate.n_accepted)} of {write.rows(confidence.n)} with a confidence"
    said = "The average gap between confidence and the share that is right. 0 is perfect."
    return [
        _card("Answers that need no check", value, on, meaning),
        _estimate_card("Calibration error", confidence.expected_calibration_error, said, links),
    ]


def _estimate_card(title: str, estimate: Estimate, meaning: str, links: Links) -> Html:
    expected = estimate.n + estimate.n_unscored
    on = f"{write.count(estimate.n)} of {write.rows(expected)}" if estimate.n_unscored else write.rows(estimate.n)
    value = write.value(estimate)
    if estimate.value is None:
        return _card(title, "no value", on, "No row has a value.")
    if estimate.low is None and estimate.high is None:
        return _card(title, value, join(on, ", ", links.method(estimate.method)), meaning)
    parts = []
    if all(end is not None and 0 <= end <= 1 for end in (estimate.low, estimate.value, estimate.high)):
        parts = [el("div", el("span", "0"), gauge(estimate), el("span", "1"), class_="gauge", aria_hidden="true")]
    precision = el("span", links.precision(estimate), class_="how")
    return _card(title, value, on, meaning, *parts, el("p", write.interval(estimate), precision, class_="interval"))


def _card(title: str, value: str, on: str, meaning: str, *parts: Html) -> Html:
    return el(
        "li",
        el("h3", title),
        el("p", value, class_="big" if any(letter.isdigit() for letter in value) else "big none"),
        *parts,
        el("p", on, class_="on"),
        el("p", meaning, class_="meaning"),
    )
