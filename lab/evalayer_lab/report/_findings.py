"""What to act on: one plain sentence, one next step, and rows to read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer_lab.output import RunRecord
from evalayer_lab.report._choice import Target
from evalayer_lab.report._confidence import HIGH, Judged
from evalayer_lab.report._document import Classification, Confidence, Hedging, Metric, Segments, Slices
from evalayer_lab.report._failures import WrongRows
from evalayer_lab.report._figures import conditions_of, kind_of, number, share
from evalayer_lab.report._figures import confidence as confidence_text
from evalayer_lab.results import JoinReport
from evalayer_lab.statistics import MetadataKey

_EXAMPLES: Final = 3
_SLICES: Final = 3
_RARE: Final = 0.01  # a kind of error on a smaller share of the rows is no finding
_STEPS: Final[Mapping[str, str]] = {
    "cut_off": "Raise inference.max_new_tokens, or ask for shorter answers.",
    "empty": "Look for a stop sequence, a filter, or a budget that reasoning used up.",
    "only_reasoning": "Raise inference.max_new_tokens, or lower inference.reasoning_effort.",
    "not_json": "Ask for JSON alone in the system prompt, and show one example of it.",
    "not_an_object": "Show the object that is expected in the system prompt.",
    "too short": "Read these: they may be refusals.",
    "too long": "Ask for a length in the prompt.",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the rows that show it.

    Attributes:
        kind: what kind of finding.
        sentence: what was found.
        next_step: what to do.
        n: how many rows it is about.
        rows: indices of rows to read, the most telling first.
    """

    kind: str
    sentence: str
    next_step: str
    n: int
    rows: Sequence[int] = field(default=())


def run_findings(
    run: RunRecord, join: JoinReport, metrics: Sequence[Metric], unscored: Callable[[str], NDArray[np.intp]]
) -> Iterator[Found]:
    """Rows that failed, are missing, or have no score: no other number counts them.

    Args:
        run: what the run says of itself.
        join: how its files met.
        metrics: its metrics.
        unscored: gives for a metric the rows that it could not score.
    """
    if run.rows is not None and run.rows.failed:
        kind = max(run.failures, key=lambda kind: run.failures[kind], default=None)
        most = f", most often with {kind}" if kind else ""
        sentence = f"{run.rows.failed:,} of {run.rows.read:,} rows failed{most}."
        yield Found("failed rows", sentence, "Settle these first, because no metric counts them.", run.rows.failed)
    if join.expected is not None and (join.missing.count or join.unexpected.count):
        yield _difference_from_dataset(join, join.expected)
    gap = max(metrics, key=lambda row: row.estimate.n_unscored, default=None)
    if gap is not None and (count := gap.estimate.n_unscored):
        step = "Find out why."
        reasons = run.unscored.get(gap.metric)
        if reasons:
            reason, most_rows = max(reasons.items(), key=lambda item: (item[1], item[0]))
            step = f"Look into the commonest reason, on {most_rows:,}: {reason}."
        sentence = f"{gap.metric} could not score {count:,} of {gap.estimate.n + count:,} rows."
        yield Found("unscored rows", sentence, step, count, unscored(gap.metric)[:_EXAMPLES].tolist())


def error_findings(kinds: Sequence[WrongRows], n: int) -> Iterator[Found]:
    """Kinds of wrong answers that are not a matter of content, of n answers that are right or wrong."""
    for each in kinds:
        rows = len(each.rows)
        if each.kind != "wrong content" and rows >= _RARE * n:
            step = _STEPS.get(each.kind, "State this rule in the prompt, with an example.")
            sentence = f"{rows:,} of {n:,} answers {_are(rows)} wrong in form ({kind_of(each.kind)})."
            yield Found("form", sentence, step, rows, each.rows[:_EXAMPLES].tolist())


def place_findings(
    target: Target, slices: Slices | None, segments: Segments | None, keys: Sequence[MetadataKey]
) -> Iterator[Found]:
    """Slices that fail more than the rest, else a segment that stands out; the rows to read are the worst in it."""
    whole = None if segments is None else segments.whole.value
    places = []
    if slices is not None and slices.found:
        places = [(each.conditions, each.estimate) for each in slices.found[:_SLICES]]
    elif segments is not None:
        places = [(each.conditions, each.estimate) for each in segments.ranked if each.stands_out][:1]
    for conditions, estimate in places:
        inside = target.scored.copy()
        for key in keys:
            if key.name in conditions:
                inside &= key.codes == key.values.index(conditions[key.name])
        yield Found(
            "weak slice",
            f"{target.metric} is {number(estimate.value)} on the {estimate.n:,} rows with "
            f"{conditions_of(conditions)}, {number(whole)} on all.",
            "Read these rows first: give the prompt, or the training data, examples like them.",
            estimate.n,
            _worst(target, np.flatnonzero(inside)),
        )


def confidence_findings(confidence: Confidence, judged: Judged) -> Iterator[Found]:
    """Wrong answers that are sure of themselves, wrong answers that a gate can catch, and miscalibration."""
    wrong, high = ~judged.correct, judged.confidence > HIGH
    sure, unsure = np.flatnonzero(wrong & high), np.flatnonzero(wrong & ~high)
    n_wrong, n_correct = int(np.count_nonzero(wrong)), int(np.count_nonzero(judged.correct))
    if n_sure := len(sure):
        order = sure[np.argsort(-judged.confidence[sure], kind="stable")]
        yield Found(
            "overconfident failures",
            f"{n_sure:,} of {n_wrong:,} wrong answers {_have(n_sure)} a confidence above {HIGH}.",
            "They look as safe as correct ones: check their golds first, then what the prompt says of them.",
            n_sure,
            judged.rows[order[:_EXAMPLES]].tolist(),
        )
    gate = confidence.gate
    if n_unsure := len(unsure):
        order = unsure[np.argsort(judged.confidence[unsure], kind="stable")]
        if gate.threshold is None:
            step = (
                f"No gate promises {share(gate.max_risk)} errors on so many rows: allow more, or get more rows or a "
                "better model."
            )
        else:
            none = ", or with none," if confidence.missing else ""
            step = (
                f"Send answers with a confidence of {confidence_text(gate.threshold)} or less{none} to a person: "
                f"{gate.n_accepted:,} of {confidence.n:,} pass, with at most {share(gate.max_risk)} errors at "
                f"{share(gate.level)} confidence."
            )
        doubted = int(np.count_nonzero(judged.correct & ~high))
        yield Found(
            "low-confidence failures",
            f"{n_unsure:,} of {n_wrong:,} wrong answers {_have(n_unsure)} a confidence of at most {HIGH}, and so "
            f"{_have(doubted)} {doubted:,} of {n_correct:,} correct ones.",
            step,
            n_unsure,
            judged.rows[order[:_EXAMPLES]].tolist(),
        )
    yield from _calibration_finding(confidence)


def confusion_findings(
    classifications: Sequence[Classification], codes: Callable[[str], tuple[NDArray[np.int32], NDArray[np.int32]]]
) -> Iterator[Found]:
    """The commonest confusion of each classification, where there is a single one.

    Args:
        classifications: what was decoded.
        codes: gives for a metric the gold and the predicted label of each row as codes, -1 for none.
    """
    for each in classifications:
        errors = np.array(each.confusion)
        rows = int(errors.sum())
        np.fill_diagonal(errors, 0)
        count = int(errors.max(initial=0))
        if count < max(2, _RARE * rows) or np.count_nonzero(errors == count) > 1:
            continue
        gold, predicted = (int(place) for place in np.unravel_index(int(errors.argmax()), errors.shape))
        label = each.labels[gold]
        if predicted == len(each.labels):
            predicted, what = -1, f"{_have(count)} an answer that names no label"
            step = "Say in the prompt that one of the labels must be given."
        else:
            what = f"{_are(count)} taken for {each.labels[predicted].label}"
            step = "Tell the two apart in the prompt, in words of the rows here."
        by = f" by {each.metric}" if len(classifications) > 1 else ""
        golds, predictions = codes(each.metric)
        yield Found(
            "confusion",
            f"{count:,} of {label.gold:,} {label.label} rows {what}{by}.",
            step,
            count,
            np.flatnonzero((golds == gold) & (predictions == predicted))[:_EXAMPLES].tolist(),
        )


def hedging_findings(hedging: Hedging | None, rows: Sequence[int]) -> Iterator[Found]:
    """Words of doubt that go with wrong answers.

    Args:
        hedging: how often wrong and correct answers have any.
        rows: the wrong answers that do.
    """
    if hedging is None or hedging.wrong.low is None or hedging.correct.high is None:
        return
    if hedging.wrong.low > hedging.correct.high:
        words = ", ".join(list(hedging.commonest)[:3])
        yield Found(
            "hedging",
            f"{share(hedging.wrong.value)} of {hedging.wrong.n:,} wrong answers hedge, and "
            f"{share(hedging.correct.value)} of {hedging.correct.n:,} correct ones.",
            f"Words of doubt ({words}) tell wrong answers: route answers that hold them to a person.",
            len(rows),
            rows[:_EXAMPLES],
        )


def _calibration_finding(confidence: Confidence) -> Iterator[Found]:
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
        yield Found(
            "calibration",
            f"Confidence is {number(abs(mean - accuracy.value))} {side} accuracy on average.",
            f"Recalibrate ({best.method}): the calibration error goes from {number(error)} to {number(after)} on rows "
            "that the fit did not see.",
            confidence.n,
        )


def _difference_from_dataset(join: JoinReport, expected: int) -> Found:
    missing, others = join.missing.count, join.unexpected.count
    without = f"{missing:,} of {expected:,} rows of the dataset {_have(missing)} no result"
    if not others:
        step = "Find out whether rows failed, a limit was set, or a replica is missing, and run them."
        return Found("missing rows", f"{without}.", step, missing)
    unknown = f"{others:,} of {join.rows:,} rows of the run {_are(others)} not in the dataset"
    sentence = f"{without}, and {unknown}." if missing else f"{unknown}."
    step = "The dataset has changed since the run, or is another: give the one that was run, or run this one."
    return Found("missing rows", sentence, step, missing + others)


def _worst(target: Target, rows: NDArray[np.intp]) -> list[int]:
    """The worst of some scored rows, as far as they are worse than the mean of all scored ones."""
    losses = target.losses[rows]
    worse = losses > target.losses[target.scored].mean()
    rows, losses = rows[worse], losses[worse]
    worst: list[int] = rows[np.argsort(-losses, kind="stable")[:_EXAMPLES]].tolist()
    return worst


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
