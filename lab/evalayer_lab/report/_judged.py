"""The rows that have both a confidence and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.answers import CONFIDENCE_REASONS, ConfidenceKind
from evalayer_lab.results import Results

HIGH: Final = 0.7  # above it a row counts as confident
_FEWEST: Final = 10  # correct rows, and wrong rows, that a map is fitted to
_OTHER_REASON: Final = "The alternatives of its tokens do not tell the labels apart."
_NO_ROW: Final = "The run has no rows."
_MISSING_EVERYWHERE: Final = {
    CONFIDENCE_REASONS[
        "no_log_probabilities"
    ]: "The answers have no log probabilities; set inference.top_logprobs in the recipe, up to 20.",
    CONFIDENCE_REASONS["no_field"]: "No answer has the field {field}; give the name of the label's field with --field.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which answers are right, by a metric whose every score is 0 or 1.

    Attributes:
        metric: its reported name.
        right: shape (rows,).
        wrong: shape (rows,); a row that the metric could not score is neither right nor wrong.
    """

    metric: str
    right: NDArray[np.bool_]
    wrong: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Rows that are right or wrong."""
        return int(np.count_nonzero(self.right) + np.count_nonzero(self.wrong))


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows that have a confidence and a verdict.

    Attributes:
        kind: how the confidence was taken from the tokens.
        metric: the metric of 0 and 1 that gives the verdict.
        field: where the label was looked for; None for the whole answer.
        rows: their indices, in ascending order of confidence, shape (n,).
        confidence: shape (n,).
        correct: shape (n,).
        missing: the other rows, by reason.
    """

    kind: ConfidenceKind
    metric: str
    field: str | None
    rows: NDArray[np.intp]
    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]
    missing: Mapping[str, int]

    @property
    def n_missing(self) -> int:
        """Rows without a confidence or without a verdict."""
        return sum(self.missing.values())

    @property
    def can_calibrate(self) -> bool:
        """Whether there are correct rows and wrong rows enough to fit a map."""
        return bool(min(np.count_nonzero(self.correct), np.count_nonzero(~self.correct)) >= _FEWEST)

    @property
    def why_none(self) -> str | None:
        """Why no row has a confidence, and how to get one; None where a row has."""
        if len(self.rows):
            return None
        if not self.missing:
            return _NO_ROW
        reason = max(self.missing, key=lambda reason: self.missing[reason])
        return _MISSING_EVERYWHERE.get(reason, reason).replace("{field}", repr(self.field))


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
    return Judged(kind, verdict.metric, results.field, rows, confidence[rows], verdict.right[rows], missing)
