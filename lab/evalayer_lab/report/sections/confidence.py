"""What the confidence of the answers says of their correctness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

import numpy as np
from rich.console import Console

from evalayer_lab.answers import CONFIDENCE_KINDS
from evalayer_lab.report import write
from evalayer_lab.report._document import (
    Confidence,
    Document,
    Gate,
    Histogram,
    Quadrant,
    Recalibration,
    RiskPoint,
)
from evalayer_lab.report._gate import FoundGate, gate_rows
from evalayer_lab.report._judged import HIGH, Judged
from evalayer_lab.report._part import EXAMPLES, Part, RowFinding
from evalayer_lab.report._question import Question, within_scores
from evalayer_lab.report._tables import say, show_table, with_interval
from evalayer_lab.results import Results
from evalayer_lab.statistics import Recalibration as RecalibrationMap
from evalayer_lab.statistics import (
    aurc,
    auroc,
    brier_decomposition,
    cross_fit,
    debiased_l2_calibration_error,
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    log_loss,
    maximum_calibration_error,
    reliability_curve,
    risk_coverage_curve,
    wilson_interval,
)

METHODS: Final = {
    "confidence": "The label's tokens are found by their place in the answer's JSON, and their probabilities "
    "multiplied. A row without one is counted, never taken as 0. Bins of the reliability diagram are (low, high], 0 in "
    "the first. Recalibration is cross-fitted in five folds, on at most 20,000 rows. The gate is the lowest threshold "
    "reached by a fixed sequence of coverages, from the most confident rows down, at whose every step the one-sided "
    "Clopper-Pearson bound of the error rate stays below the limit.",
}
_RESAMPLES: Final = 1000
_POINTS: Final = 200
_HISTOGRAM_BINS: Final = 20
_MOST_FITTED: Final = 20_000  # rows that tell maps apart as well as all of them
_FITS: Final[Mapping[Literal["temperature", "platt", "isotonic"], Callable[..., RecalibrationMap]]] = {
    "temperature": fit_temperature,
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}
_QUADRANTS: Final[
    Mapping[tuple[bool, bool], tuple[Literal["critical", "overconfident", "conservative", "sound"], str]]
] = {
    (False, False): ("critical", f"wrong, with a confidence of at most {HIGH}: a gate can hold these back"),
    (False, True): ("overconfident", f"wrong, with a confidence above {HIGH}: they look as safe as correct ones"),
    (True, False): (
        "conservative",
        f"correct, with a confidence of at most {HIGH}: a gate holds these back for nothing",
    ),
    (True, True): ("sound", f"correct, with a confidence above {HIGH}"),
}
"""By whether rows are correct, and whether their confidence is high: the name of the quadrant and its meaning."""


def analyse(question: Question) -> Part:
    """Describe calibration, ranking and selective accuracy of the judged rows, or say why there are none."""
    correctness = None if question.verdict is None else question.verdict.metric
    judged = question.judged
    if judged is None:
        return Part({"correctness": correctness, "no_confidence": question.no_confidence})
    gate = gate_rows(judged, max_risk=question.max_risk, level=question.level)
    described = _describe(question.results, judged, gate, level=question.level)
    return Part(
        fields={"correctness": correctness, "confidence": described},
        findings=[*_confident_failures(judged), *_doubtful_failures(judged, described), *_miscalibration(described)],
    )


def show(document: Document, console: Console) -> None:
    """Print the scores of confidence and the gate."""
    confidence = document.confidence
    if confidence is None:
        return
    accuracy = confidence.accuracy
    title = f"confidence beside {confidence.correctness}, {confidence.n:,} rows"
    rows = (
        ("mean confidence", write.number(confidence.mean), write.MISSING),
        ("accuracy", *with_interval(accuracy)),
        ("expected calibration error", *with_interval(confidence.expected_calibration_error)),
        ("Brier score", *with_interval(confidence.brier_score)),
        ("AUROC", *with_interval(confidence.auroc)),
    )
    show_table(console, (title, "value", f"{write.level(accuracy.level)} interval"), rows)
    for reason, count in confidence.missing.items():
        say(console, f"Without confidence: {count:,} of {confidence.n + accuracy.n_unscored:,} rows. {reason}")
    say(console, confidence.gate.sentence)


def _describe(results: Results, judged: Judged, found: FoundGate, *, level: float) -> Confidence:
    p, correct, n_missing = judged.confidence, judged.correct, judged.n_missing
    n, n_correct = len(p), int(np.count_nonzero(correct))
    brier = brier_decomposition(p, correct, level=level, n_unscored=n_missing)
    area = aurc(p, correct, level=level, n_unscored=n_missing)
    largest = results.column("generated_is_largest")[judged.rows]
    hidden = (results.column("confidence_high") - results.column("confidence_low"))[judged.rows]
    expected, debiased = (
        function(p, correct, level=level, resamples=_RESAMPLES, n_unscored=n_missing)
        for function in (expected_calibration_error, debiased_l2_calibration_error)
    )
    return Confidence(
        kind=CONFIDENCE_KINDS[judged.kind],
        correctness=judged.metric,
        n=n,
        missing=dict(judged.missing),
        mean=math.fsum(p) / n,
        accuracy=wilson_interval(n_correct, n, level=level, n_unscored=n_missing),
        expected_calibration_error=expected,
        maximum_calibration_error=maximum_calibration_error(p, correct, level=level, n_unscored=n_missing),
        debiased_l2_calibration_error=debiased,
        brier_score=within_scores(brier.brier),
        reliability=brier.reliability.value,
        resolution=brier.resolution.value,
        uncertainty=brier.uncertainty.value,
        log_loss=log_loss(p, correct, level=level).value,
        auroc=auroc(p, correct, level=level, n_unscored=n_missing),
        aurc=area.area.value,
        excess_aurc=area.excess.value,
        bins=reliability_curve(p, correct, level=level).bins,
        risk_coverage=tuple(_risk_coverage(judged)),
        gate=Gate.of(found.gate, sentence=found.sentence),
        histogram=_histogram(judged),
        recalibrations=tuple(_recalibrations(judged)),
        quadrants=tuple(_quadrants(judged)),
        generated_is_largest=int(np.count_nonzero(largest == 1)),
        generated_is_not_largest=int(np.count_nonzero(largest == 0)),
        widest_bounds=float(np.nanmax(hidden, initial=0.0)) or None,
    )


def _risk_coverage(judged: Judged) -> Iterator[RiskPoint]:
    curve = risk_coverage_curve(judged.confidence, judged.correct)
    coverage, wanted = curve.coverage, np.linspace(0, curve.n, _POINTS + 1)[1:]
    points = np.unique(np.minimum(np.searchsorted(curve.n_accepted, wanted), len(curve.n_accepted) - 1))
    for point in points:
        yield RiskPoint(
            coverage=float(coverage[point]),
            risk=float(curve.risk[point]),
            threshold=float(curve.threshold[point]),
        )


def _histogram(judged: Judged) -> Histogram:
    edges = np.linspace(0, 1, _HISTOGRAM_BINS + 1)
    correct, wrong = (np.histogram(judged.confidence[rows], edges)[0] for rows in (judged.correct, ~judged.correct))
    return Histogram(edges=tuple(edges.tolist()), correct=tuple(correct.tolist()), wrong=tuple(wrong.tolist()))


def _recalibrations(judged: Judged) -> Iterator[Recalibration]:
    if not judged.can_calibrate:
        return
    p, correct = judged.confidence, judged.correct
    if len(p) > _MOST_FITTED:
        some = np.random.Generator(np.random.PCG64(0)).choice(len(p), _MOST_FITTED, replace=False)
        p, correct = p[some], correct[some]
    for method, fit in _FITS.items():
        mapped = cross_fit(fit, p, correct)
        parameters = {key: value for key, value in fit(p, correct).to_json().items() if isinstance(value, float)}
        yield Recalibration(
            method=method,
            calibration_error=expected_calibration_error(mapped, correct).value,
            log_loss=log_loss(mapped, correct).value,
            parameters=parameters,
        )


def _quadrants(judged: Judged) -> Iterator[Quadrant]:
    high = judged.confidence > HIGH
    for (correct, confident), (name, meaning) in _QUADRANTS.items():
        rows = int(np.count_nonzero((judged.correct == correct) & (high == confident)))
        yield Quadrant(name=name, meaning=meaning, rows=rows, share=rows / len(high))


def _confident_failures(judged: Judged) -> Iterator[RowFinding]:
    """Wrong answers with much confidence."""
    wrong = ~judged.correct
    rows = judged.rows[wrong & (judged.confidence > HIGH)]
    confidence = judged.confidence[wrong & (judged.confidence > HIGH)]
    if n := len(rows):
        yield RowFinding(
            4,
            "overconfident failures",
            f"{n:,} of {np.count_nonzero(wrong):,} wrong answers {write.have(n)} a confidence above {HIGH}.",
            "They look as safe as correct ones: check their gold answers first, then what the prompt says about them.",
            n,
            rows[np.argsort(-confidence, kind="stable")[:EXAMPLES]].tolist(),
        )


def _doubtful_failures(judged: Judged, described: Confidence) -> Iterator[RowFinding]:
    """Wrong answers that a gate can catch."""
    wrong, low = ~judged.correct, judged.confidence <= HIGH
    rows, gate = judged.rows[wrong & low], described.gate
    n, doubted = len(rows), int(np.count_nonzero(judged.correct & low))
    if not n:
        return
    if gate.threshold is None:
        step = (
            f"No gate can promise at most {write.level(gate.max_risk)} errors with this many rows: allow more, or get "
            "more rows or a better model."
        )
    else:
        none = ", or with none," if described.missing else ""
        step = (
            f"Send answers with a confidence of {write.confidence(gate.threshold)} or less{none} to a person: "
            f"{gate.n_accepted:,} of {described.n:,} pass, with at most {write.level(gate.max_risk)} errors at "
            f"{write.level(gate.level)} confidence."
        )
    yield RowFinding(
        4,
        "low-confidence failures",
        f"{n:,} of {np.count_nonzero(wrong):,} wrong answers {write.have(n)} a confidence of at most {HIGH}, and so "
        f"{'does' if doubted == 1 else 'do'} {doubted:,} of {np.count_nonzero(judged.correct):,} correct ones.",
        step,
        n,
        rows[:EXAMPLES].tolist(),
    )


def _miscalibration(confidence: Confidence) -> Iterator[RowFinding]:
    accuracy, mean, error = confidence.accuracy, confidence.mean, confidence.expected_calibration_error.value
    maps = [each for each in confidence.recalibrations if each.calibration_error is not None]
    if mean is None or error is None or accuracy.value is None or accuracy.low is None or accuracy.high is None:
        return
    if accuracy.low <= mean <= accuracy.high or not maps:
        return
    best = min(maps, key=lambda each: math.inf if each.log_loss is None else each.log_loss)
    after = best.calibration_error
    if after is not None and after < error:
        side = "above" if mean > accuracy.value else "below"
        yield RowFinding(
            4,
            "calibration",
            f"Confidence is {write.number(abs(mean - accuracy.value))} {side} accuracy on average.",
            f"Recalibrate ({best.method}): the calibration error goes from {write.number(error)} to "
            f"{write.number(after)} on rows that the fit did not see.",
            confidence.n,
        )
