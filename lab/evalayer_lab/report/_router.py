"""A gate that can be used: its threshold, and a small program that applies it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalayer import __version__
from evalayer_lab.inputs import InputError
from evalayer_lab.report._confidence import Judged
from evalayer_lab.statistics import Gate, cross_fit, fit_platt, fit_temperature, log_loss

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
    field: str | None

    def to_json(self) -> dict[str, Any]:
        """The gate as an object of numbers and texts."""
        gate = self.gate
        return {
            "threshold": gate.threshold,
            "coverage": gate.coverage,
            "n": gate.n,
            "n_accepted": gate.n_accepted,
            "n_errors": gate.n_errors,
            "risk_upper": gate.risk_upper,
            "max_risk": gate.max_risk,
            "level": gate.level,
            "confidence": self.judged.kind,
            "correctness": self.judged.metric,
            "sentence": gate.sentence,
        }


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
    calibration = _calibration(found.judged)
    document = found.to_json() | {"evalayer": __version__, "field": found.field, "calibration": calibration}
    paths = folder / "router.json", folder / "router.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        paths[1].write_text(_PROGRAM, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=folder) from error
    return paths


def _calibration(judged: Judged) -> Mapping[str, float | str]:
    p, correct = judged.confidence, judged.correct
    if not judged.can_calibrate:
        return {"method": "none", "slope": 1.0, "intercept": 0.0}
    losses = {fit: log_loss(cross_fit(fit, p, correct), correct).value for fit in (fit_temperature, fit_platt)}
    if (losses[fit_temperature] or 0.0) <= (losses[fit_platt] or 0.0):
        return {"method": "temperature", "slope": 1 / fit_temperature(p, correct).temperature, "intercept": 0.0}
    platt = fit_platt(p, correct)
    return {"method": "platt", "slope": platt.slope, "intercept": platt.intercept}
