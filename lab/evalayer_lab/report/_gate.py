"""A gate that can be used: its threshold, what it promises, and a small program that applies it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from evalayer import __version__
from evalayer_lab.answers import ConfidenceKind
from evalayer_lab.inputs import InputError, writing
from evalayer_lab.report import write
from evalayer_lab.report._judged import Judged
from evalayer_lab.report._question import Question
from evalayer_lab.results import Results
from evalayer_lab.statistics import Gate, cross_fit, fit_platt, fit_temperature, gate_threshold, log_loss, smallest_gate

_PROGRAM: Final = '''\
"""Apply a confidence gate: `route(confidence)` says whether an answer may pass, and how probably it is right."""

import json
import math
from pathlib import Path

GATE = json.loads(Path(__file__).with_name("router.json").read_text(encoding="utf-8"))


def route(confidence: float) -> tuple[bool, float]:
    """Return whether the answer passes, and the chance that it is right, calibrated."""
    p = min(max(confidence, 2.0**-52), 1 - 2.0**-52)
    logit = GATE["calibration"]["slope"] * math.log(p / (1 - p)) + GATE["calibration"]["intercept"]
    return confidence > GATE["threshold"], 1 / (1 + math.exp(-max(logit, -700.0)))
'''


@dataclass(frozen=True, slots=True)
class FoundGate:
    """A gate and the rows it was found on."""

    gate: Gate
    judged: Judged

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        gate, confidence = self.gate, self.judged.confidence
        wanted = f"an error rate of at most {write.level(gate.max_risk)} with {write.level(gate.level)} confidence"
        if gate.threshold is not None and gate.risk_upper is not None:
            above = write.threshold(gate.threshold, float(confidence[confidence > gate.threshold].min()))
            of = f"{gate.n} rows that have a confidence and a verdict" if gate.n_unscored else f"{gate.n} rows"
            return (
                f"{gate.n_accepted} of {of} {write.are(gate.n_accepted)} above a confidence of {above}, "
                f"{gate.n_errors} of them wrong: {wanted} (the bound is {write.level(gate.risk_upper)})."
            )
        if gate.n_first:
            return (
                f"No threshold gives {wanted}: of the {gate.n_first} most confident rows, where the search begins, "
                f"{gate.n_first_errors} {write.are(gate.n_first_errors)} wrong."
            )
        least = smallest_gate(gate.max_risk, level=gate.level)
        most = int(np.count_nonzero(confidence > 0))
        return f"No threshold gives {wanted}: it takes at least {least} rows, all of them right, and there are {most}."

    def to_json(self) -> dict[str, Any]:
        """The gate as an object of numbers and texts."""
        names = ("threshold", "coverage", "n", "n_accepted", "n_errors", "risk_upper", "max_risk", "level")
        return {name: getattr(self.gate, name) for name in names} | {
            "confidence": self.judged.kind,
            "correctness": self.judged.metric,
            "sentence": self.sentence,
        }


def gate_rows(judged: Judged, *, max_risk: float, level: float) -> FoundGate:
    """Find the confidence above which at most `max_risk` of the judged rows are wrong."""
    n_unscored = judged.n_missing
    gate = gate_threshold(judged.confidence, judged.correct, max_risk, level=level, n_unscored=n_unscored)
    return FoundGate(gate, judged)


def find_gate(
    results: Results,
    *,
    metric: str | None = None,
    kind: ConfidenceKind = "joint",
    max_risk: float,
    level: float = 0.95,
) -> FoundGate:
    """Find the confidence above which at most `max_risk` of the answers are wrong.

    Raises:
        InputError: there is no such metric, not every score of it, or of any metric, is 0 or 1, or no row has a
            confidence.
    """
    question = Question(results, metric=metric, kind=kind, level=level)
    chosen, verdict = question.chosen, question.verdict
    if metric is not None and chosen is not None and verdict is not None and verdict.metric != chosen.name:
        reason = (
            f"{chosen.name} is not 0 or 1 on every row, so it cannot say which answers are right; {verdict.metric} can"
        )
        raise InputError(reason, path=results.folder)
    if question.judged is None:
        raise InputError(question.no_confidence or "", path=results.folder)
    return gate_rows(question.judged, max_risk=max_risk, level=level)


def write_router(found: FoundGate, folder: Path) -> tuple[Path, Path]:
    """Write `router.json` and `router.py`.

    The calibration is `temperature` or `platt`, whichever has the smaller cross-fitted log loss, written as the slope
    and the intercept of the logit; it is `none` where too few rows are correct or wrong for a fit. The threshold is on
    the confidence itself, so the promise does not hang on the fit.

    Args:
        found: a gate with a threshold.
        folder: where to; made if need be.

    Raises:
        InputError: the folder cannot be written to.
    """
    calibration = _calibrate(found.judged)
    document = found.to_json() | {"evalayer": __version__, "field": found.judged.field, "calibration": calibration}
    paths = folder / "router.json", folder / "router.py"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        paths[1].write_text(_PROGRAM, encoding="utf-8")
    return paths


def _calibrate(judged: Judged) -> Mapping[str, float | str]:
    p, correct = judged.confidence, judged.correct
    if not judged.can_calibrate:
        return {"method": "none", "slope": 1.0, "intercept": 0.0}
    losses = {fit: log_loss(cross_fit(fit, p, correct), correct).value for fit in (fit_temperature, fit_platt)}
    if (losses[fit_temperature] or 0.0) <= (losses[fit_platt] or 0.0):
        return {"method": "temperature", "slope": 1 / fit_temperature(p, correct).temperature, "intercept": 0.0}
    platt = fit_platt(p, correct)
    return {"method": "platt", "slope": platt.slope, "intercept": platt.intercept}
