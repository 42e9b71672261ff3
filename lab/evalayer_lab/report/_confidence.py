"""What the confidence of the answers says of their correctness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.answers import CONFIDENCE_REASONS
from evalayer_lab.report._choice import Verdict
from evalayer_lab.report._document import (
    Bin,
    Confidence,
    Gate,
    Histogram,
    Quadrant,
    Recalibration,
    RiskPoint,
)
from evalayer_lab.report._estimate import estimate, within_scores
from evalayer_lab.results import Results
from evalayer_lab.statistics import Gate as ComputedGate
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

QuadrantName: TypeAlias = Literal["critical", "overconfident", "conservative", "sound"]
ConfidenceKind: TypeAlias = Literal["joint", "renormalised", "geometric_mean", "first_token"]

KINDS: Final = {
    "joint": "the probability of all tokens of the label",
    "renormalised": "the probability of the label given that it is one of the labels",
    "geometric_mean": "the geometric mean of the probabilities of the label's tokens",
    "first_token": "the probability of the label's first token",
}
HIGH: Final = 0.7  # above it a row counts as confident
_RESAMPLES: Final = 1000
_POINTS: Final = 200
_HISTOGRAM_BINS: Final = 20
_FEWEST: Final = 10  # correct rows, and wrong rows, that a map is fitted to
_MOST_FITTED: Final = 20_000  # rows that tell maps apart as well as all of them
_OTHER_REASON: Final = "The alternatives of its tokens do not tell the labels apart."
_FITS: Final[Mapping[Literal["temperature", "platt", "isotonic"], Callable[..., RecalibrationMap]]] = {
    "temperature": fit_temperature,
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}
_MEANINGS: Final[Mapping[QuadrantName, str]] = {
    "critical": f"wrong, with a confidence of at most {HIGH}: a gate can hold these back",
    "overconfident": f"wrong, with a confidence above {HIGH}: they look as safe as correct ones",
    "conservative": f"correct, with a confidence of at most {HIGH}: a gate holds these back for nothing",
    "sound": f"correct, with a confidence above {HIGH}",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows that have a confidence and a verdict.

    Attributes:
        kind: how the confidence was taken from the tokens.
        metric: the metric of 0 and 1 that gives the verdict.
        rows: their indices, in ascending order of confidence, shape (n,).
        confidence: shape (n,).
        correct: shape (n,).
        missing: the other rows, by reason.
    """

    kind: ConfidenceKind
    metric: str
    rows: NDArray[np.intp]
    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]
    missing: dict[str, int]

    @property
    def n_missing(self) -> int:
        """Rows without a confidence or without a verdict."""
        return sum(self.missing.values())

    @property
    def can_calibrate(self) -> bool:
        """Whether there are correct rows and wrong rows enough to fit a map."""
        return bool(min(np.count_nonzero(self.correct), np.count_nonzero(~self.correct)) >= _FEWEST)


def judge(results: Results, verdict: Verdict, kind: ConfidenceKind) -> Judged:
    """Take the rows that have both a confidence of this kind and a verdict."""
    confidence = results.column(f"confidence_{kind}")
    has_confidence, has_verdict = ~np.isnan(confidence), verdict.right | verdict.wrong
    rows = np.flatnonzero(has_confidence & has_verdict)
    rows = rows[np.argsort(confidence[rows], kind="stable")]  # once: what sorts sorted rows again is quick
    missing: dict[str, int] = {}
    if len(rows) < results.rows:
        codes, reasons = results.codes("no_confidence")
        counts = np.bincount(codes[~has_confidence] + 1, minlength=len(reasons) + 1).tolist()
        names = [_OTHER_REASON, *(CONFIDENCE_REASONS.get(reason, reason) for reason in reasons)]
        missing = {name: count for name, count in zip(names, counts, strict=True) if count}
        if unscored := int(np.count_nonzero(has_confidence & ~has_verdict)):
            missing[f"{verdict.metric} could not score the row."] = unscored
    return Judged(kind, verdict.metric, rows, confidence[rows], verdict.right[rows], missing)


def why_none(judged: Judged, field: str | None) -> str:
    """Say why no row has a confidence, and how to get one.

    Args:
        judged: no row that has a confidence.
        field: where the label was looked for; None for the whole answer.
    """
    if not judged.missing:
        return "There is no row."
    reason = max(judged.missing, key=lambda reason: judged.missing[reason])
    if reason == CONFIDENCE_REASONS["no_log_probabilities"]:
        reason = "The answers have no log probabilities; set inference.top_logprobs in the recipe, up to 20."
    elif reason == CONFIDENCE_REASONS["no_field"]:
        reason = f"No answer has the field {field!r}; give --field the name of the label's."
    return reason


def confidence(results: Results, judged: Judged, gate: ComputedGate, *, level: float) -> Confidence:
    """Describe calibration, ranking and selective accuracy of the judged rows, of which there is at least one."""
    p, correct, n_missing = judged.confidence, judged.correct, judged.n_missing
    n, n_correct = len(p), int(np.count_nonzero(correct))
    brier = brier_decomposition(p, correct, level=level, n_unscored=n_missing)
    area = aurc(p, correct, level=level, n_unscored=n_missing)
    largest = results.column("generated_is_largest")[judged.rows]
    hidden = (results.column("confidence_high") - results.column("confidence_low"))[judged.rows]
    widest = float(np.nanmax(hidden, initial=0.0))

    expected, debiased = (
        estimate(function(p, correct, level=level, resamples=_RESAMPLES, n_unscored=n_missing))
        for function in (expected_calibration_error, debiased_l2_calibration_error)
    )
    maximum = maximum_calibration_error(p, correct, level=level, n_unscored=n_missing)

    return Confidence(
        kind=KINDS[judged.kind],
        correctness=judged.metric,
        n=n,
        missing=judged.missing,
        mean=math.fsum(p) / n,
        accuracy=estimate(wilson_interval(n_correct, n, level=level, n_unscored=n_missing)),
        expected_calibration_error=expected,
        maximum_calibration_error=estimate(maximum),
        debiased_l2_calibration_error=debiased,
        brier_score=within_scores(brier.brier),
        reliability=brier.reliability.value,
        resolution=brier.resolution.value,
        uncertainty=brier.uncertainty.value,
        log_loss=log_loss(p, correct, level=level).value,
        auroc=estimate(auroc(p, correct, level=level, n_unscored=n_missing)),
        aurc=area.area.value,
        excess_aurc=area.excess.value,
        bins=tuple(_bins(judged, level)),
        risk_coverage=tuple(_risk_coverage(judged)),
        gate=Gate(
            max_risk=gate.max_risk,
            level=gate.level,
            threshold=gate.threshold,
            coverage=gate.coverage,
            n_accepted=gate.n_accepted,
            n_errors=gate.n_errors,
            risk_upper=gate.risk_upper,
            sentence=gate.sentence,
        ),
        histogram=_histogram(judged),
        recalibrations=tuple(_recalibrations(judged)),
        quadrants=tuple(_quadrants(judged)),
        generated_is_largest=int(np.count_nonzero(largest == 1)),
        generated_is_not_largest=int(np.count_nonzero(largest == 0)),
        widest_bounds=widest or None,
    )


def _bins(judged: Judged, level: float) -> Iterator[Bin]:
    for row in reliability_curve(judged.confidence, judged.correct, level=level).bins:
        yield Bin(
            low=row.low, high=row.high, n=row.n, mean_confidence=row.mean_confidence, accuracy=estimate(row.accuracy)
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
    correct, _ = np.histogram(judged.confidence[judged.correct], edges)
    wrong, _ = np.histogram(judged.confidence[~judged.correct], edges)
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
    places: dict[QuadrantName, NDArray[np.bool_]] = {
        "critical": ~judged.correct & ~high,
        "overconfident": ~judged.correct & high,
        "conservative": judged.correct & ~high,
        "sound": judged.correct & high,
    }
    for name, inside in places.items():
        rows = int(np.count_nonzero(inside))
        yield Quadrant(name=name, meaning=_MEANINGS[name], rows=rows, share=rows / len(inside))
