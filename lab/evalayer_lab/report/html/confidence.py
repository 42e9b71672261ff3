"""What confidence is worth: calibration, the gate, the quadrants."""

from __future__ import annotations

from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Confidence, Document, Quadrant
from evalayer_lab.report.html._layout import (
    Column,
    Links,
    Section,
    bullets,
    details,
    explained,
    figure,
    table,
    titled,
    unavailable,
)
from evalayer_lab.report.html._marks import shade
from evalayer_lab.report.html._markup import Html, el, join, user
from evalayer_lab.report.html._reliability import reliability, right_and_wrong, risk_and_coverage

_TELLING: Final = 0.0005  # hidden probability that one decimal of a percent shows
_METHODS: Final = {"temperature": "Temperature", "platt": "Platt (logistic)", "isotonic": "Isotonic"}
_SCORES: Final = {
    "expected_calibration_error": ("Expected calibration error", "Mean gap between confidence and share right."),
    "maximum_calibration_error": ("Maximum calibration error", "The gap in the worst bin."),
    "debiased_l2_calibration_error": ("Debiased L2 calibration error", "Root mean squared gap, corrected for chance."),
    "brier_score": ("Brier score", "Mean squared error of confidence as a forecast; lower is better."),
    "auroc": ("AUROC", "The chance that a right row has the higher confidence; 0.5 is what chance gives."),
    "accuracy": ("Share right", "On the rows that have a confidence."),
    "reliability": ("Brier: reliability", "The part that calibration can mend; lower is better."),
    "resolution": ("Brier: resolution", "How far bins differ from the mean; higher is better."),
    "uncertainty": ("Brier: uncertainty", "Set by the share that is right alone."),
    "log_loss": ("Log loss", "In nats; lower is better."),
    "aurc": ("AURC", "Mean risk over all coverages; lower is better."),
    "excess_aurc": ("Excess AURC", "AURC minus the AURC of a perfect order of the same rows."),
}
"""Fields of `Confidence`: their names and what they mean."""
_PLACES: Final[tuple[tuple[str, ...], ...]] = (
    ("Right", "conservative", "sound"),
    ("Wrong", "critical", "overconfident"),
)
"""The quadrants as rows of a table: low confidence, then high."""


def draw(document: Document, links: Links) -> Section:
    """Show what the token log probabilities say, or why they say nothing."""
    given = document.confidence
    if given is None:
        why = document.no_confidence or "This output holds no token log probabilities."
        return Section("confidence", "Confidence", unavailable(why))
    charts = [
        reliability(given.bins, _calibration(given)),
        right_and_wrong(given.histogram, _ranking(given)),
        risk_and_coverage(given.risk_coverage, given.gate),
        figure("Quadrants", "Rows by confidence and correctness.", _quadrants(given.quadrants))
        if given.quadrants
        else None,
    ]
    rows = ((name, getattr(given, field), meaning) for field, (name, meaning) in _SCORES.items())
    scores = details("All scores of confidence", explained("Scores of confidence", "Score", rows, links))
    body = join(_basis(given), el("div", *charts, class_="charts"), scores, _recalibrations(given))
    return Section("confidence", "Confidence", body, "confidence")


def _basis(given: Confidence) -> Html:
    kind = el(
        "p",
        f"{write.rows(given.n)} with a confidence: ",
        user(given.kind.rstrip("."), 300),
        ". A row counts as right by ",
        user(given.correctness),
        ".",
    )
    missing = [
        join(f"{write.rows(n)} without a confidence: ", user(reason, 300)) for reason, n in given.missing.items()
    ]
    notes = []
    if given.generated_is_not_largest:
        unlikely = write.rows(given.generated_is_not_largest)
        notes.append(f"In {unlikely} the label holds a token that was not the most probable one reported.")
    if given.widest_bounds is not None and given.widest_bounds >= _TELLING:
        mass = write.percent(given.widest_bounds)
        notes.append(f"Only the most probable tokens are reported: up to {mass} of a label's probability is hidden.")
    return join(kind, bullets(missing) if missing else None, *(el("p", note) for note in notes))


def _calibration(given: Confidence) -> str:
    accuracy = given.accuracy
    if given.mean is None or accuracy.value is None:
        return "No row has both a confidence and a verdict."
    said = f"mean confidence {write.number(given.mean)}, share right {write.number(accuracy.value)}."
    if accuracy.high is not None and given.mean > accuracy.high:
        return f"Overconfident on average: {said}"
    if accuracy.low is not None and given.mean < accuracy.low:
        return f"Underconfident on average: {said}"
    return f"Well calibrated on average: {said}"


def _ranking(given: Confidence) -> str | None:
    if given.auroc.value is None:
        return None
    pairs = write.percent(given.auroc.value)
    return f"In {pairs} of all pairs of one right and one wrong row, the right row has the higher confidence."


def _quadrants(quadrants: tuple[Quadrant, ...]) -> Html:
    cells: dict[str, tuple[str, str]] = {each.name: _quadrant(each) for each in quadrants}
    rows = [(outcome, *(cells.get(name, write.MISSING) for name in names)) for outcome, *names in _PLACES]
    columns = (Column(""), Column("Low confidence"), Column("High confidence"))
    return table("Rows by confidence (across) and correctness (down)", columns, rows, classes="quadrants", quiet=True)


def _quadrant(each: Quadrant) -> tuple[str, str]:
    shown = join(
        el("span", titled(each.name), class_="name"),
        el("span", write.percent(each.share), class_="big"),
        el("span", write.rows(each.rows), class_="on"),
        el("span", each.meaning, class_="meaning"),
    )
    return shown, shade(each.share, right=each.name in {"conservative", "sound"})


def _recalibrations(given: Confidence) -> Html | None:
    if not given.recalibrations:
        return None
    columns = ("Map", "Calibration error", "Log loss", Column("Parameters", "text"))
    before = ["As it is", write.number(given.expected_calibration_error.value), write.number(given.log_loss), ""]
    after = (
        [
            _METHODS[each.method],
            write.number(each.calibration_error),
            write.number(each.log_loss),
            ", ".join(f"{name} {write.number(value)}" for name, value in each.parameters.items()),
        ]
        for each in given.recalibrations
    )
    return table("Recalibration, measured on rows that the fit did not see", columns, [before, *after])
