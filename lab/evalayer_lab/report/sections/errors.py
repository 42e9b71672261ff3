"""How wrong answers are wrong: kinds of error, words of doubt."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from evalayer import label_of
from evalayer_lab.answers import ANSWER_KINDS
from evalayer_lab.report import write
from evalayer_lab.report._document import Document, ErrorKind, Hedging
from evalayer_lab.report._judged import Verdict
from evalayer_lab.report._part import EXAMPLES, RARE, UNREADABLE, Part, RowFinding
from evalayer_lab.report._question import Question
from evalayer_lab.report._tables import show_table
from evalayer_lab.results import Results
from evalayer_lab.statistics import Estimate, wilson_interval

METHODS: Final = {
    "error_kinds": "Each wrong answer counts once, by the first that holds: no JSON object, a violation of the schema, "
    "an unusual length (beyond the quartiles of correct answers by three times their distance), wrong content.",
    "hedging": "Words and phrases of doubt from a small list in several languages, outside of JSON keys.",
}
_CONTENT: Final = "wrong content"
_STEPS: Final[Mapping[str, str]] = {
    "cut_off": "Raise inference.max_new_tokens, or ask for shorter answers.",
    "empty": "Look for a stop sequence, a filter, or a budget that reasoning used up.",
    "only_reasoning": "Raise inference.max_new_tokens, or lower inference.reasoning_effort.",
    "not_json": "Ask for JSON alone in the system prompt, and show one example of it.",
    "not_an_object": "Show the object that is expected in the system prompt.",
    "too short": "Read these: they may be refusals.",
    "too long": "Ask for a length in the prompt.",
}
_VIOLATION: Final = "violation."
_COMMONEST: Final = 10
_FEWEST: Final = 20  # correct answers from which usual lengths are taken


def analyse(question: Question) -> Part:
    """Sort the wrong answers by how they are wrong, and count words of doubt."""
    verdict, results = question.verdict, question.results
    if verdict is None:
        return Part({})
    kinds = _error_kinds(results, verdict, level=question.level)
    hedging, doubtful = _hedging(results, verdict, level=question.level)
    return Part(
        fields={"error_kinds": tuple(kind for kind, _ in kinds), "hedging": hedging},
        findings=[*_wrong_forms(kinds, verdict.n), *_telling_doubt(hedging, doubtful)],
    )


def show(document: Document, console: Console) -> None:
    """Print the kinds of error."""
    if document.error_kinds:
        answers = write.count(document.error_kinds[0].share.n)
        rows = (
            (write.words(each.kind), write.count(each.rows), write.percent(each.share.value))
            for each in document.error_kinds
        )
        show_table(console, (f"wrong answers by kind, by {document.correctness}", "rows", f"of {answers}"), rows)


def _error_kinds(results: Results, verdict: Verdict, *, level: float) -> list[tuple[ErrorKind, NDArray[np.intp]]]:
    """Sort wrong answers by the first of these that holds: no JSON object, schema violation, length, content.

    Returns:
        Each kind with the indices of its rows, ascending; the most frequent first.
    """
    left, n_unscored = verdict.wrong.copy(), results.rows - verdict.n
    found: list[tuple[ErrorKind, NDArray[np.intp]]] = []

    def take(kind: str, meaning: str, which: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(left & which)
        if n := len(rows):
            share = wilson_interval(n, verdict.n, level=level, n_unscored=n_unscored)
            found.append((ErrorKind(kind=kind, meaning=meaning, rows=n, share=share), rows))
            left[rows] = False

    if results.field is not None:
        codes, kinds = results.codes("answer_kind")
        for code, kind in enumerate(kinds):
            if kind in UNREADABLE:
                take(kind, ANSWER_KINDS[kind], codes == code)
    for keyword, broken in _violations(results).items():
        take(f"schema: {keyword}", f"The first rule of the schema that the answer breaks is {keyword}.", broken)
    characters = results.column("answer_characters")
    usual = _usual(characters[verdict.right])
    if usual is not None:
        low, high = usual
        meaning = "The answer has {} than {:,} characters, which is unusual for a correct one."
        take("too short", meaning.format("fewer", low), characters < low)
        take("too long", meaning.format("more", high), characters > high)
    take(_CONTENT, "The answer has the form that was asked for, and says the wrong thing.", left)
    return sorted(found, key=lambda each: (-each[0].rows, each[0].kind))


def _violations(results: Results) -> dict[str, NDArray[np.bool_]]:
    """Which rows violate each keyword of a schema first, by any metric that counts that; each of shape (rows,)."""
    found: dict[str, NDArray[np.bool_]] = {}
    for metric in results.metrics:
        if "valid" in metric.parts:
            for part in metric.parts:
                if part.startswith(_VIOLATION):
                    broken = results.values(f"{metric.name}.{part}") == 1
                    keyword = label_of(part.removeprefix(_VIOLATION))
                    found[keyword] = broken | found.get(keyword, False)
    return found


def _usual(characters: NDArray[np.float64]) -> tuple[int, int] | None:
    """The lengths of usual answers: from the quartiles of correct ones outwards by three times their distance."""
    known = characters[~np.isnan(characters)]
    if len(known) < _FEWEST:
        return None
    first, third = np.quantile(known, [0.25, 0.75])
    reach = 3 * max(third - first, 1.0)
    return math.ceil(first - reach), math.floor(third + reach)


def _hedging(results: Results, verdict: Verdict, *, level: float) -> tuple[Hedging | None, list[int]]:
    """Words of doubt in wrong and in correct answers, None where no answer has any; and the wrong rows with some."""
    found = results.connection.execute(
        "SELECT row, hedges FROM (SELECT row_number() OVER () - 1 AS row, hedges FROM rows) WHERE len(hedges) > 0"
    ).fetchall()
    if not found:
        return None, []
    hedged = np.zeros(results.rows, dtype=np.bool_)
    words: Counter[str] = Counter()
    for row, hedges in found:
        hedged[row] = True
        if verdict.wrong[row]:
            words.update(set(hedges))

    def share(rows: NDArray[np.bool_]) -> Estimate:
        return wilson_interval(int(np.count_nonzero(hedged & rows)), int(np.count_nonzero(rows)), level=level)

    commonest = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:_COMMONEST]
    record = Hedging(wrong=share(verdict.wrong), correct=share(verdict.right), commonest=dict(commonest))
    return record, np.flatnonzero(hedged & verdict.wrong).tolist()


def _wrong_forms(kinds: Sequence[tuple[ErrorKind, NDArray[np.intp]]], n: int) -> Iterator[RowFinding]:
    """Kinds of wrong answers that are not a matter of content, of n answers that are right or wrong."""
    for each, rows in kinds:
        if each.kind != _CONTENT and each.rows >= RARE * n:
            step = _STEPS.get(each.kind, "State this rule in the prompt, with an example.")
            wrong = f"{each.rows:,} of {n:,} answers {write.are(each.rows)} wrong"
            sentence = f"{wrong} in form ({write.words(each.kind)})."
            yield RowFinding(2, "form", sentence, step, each.rows, rows[:EXAMPLES].tolist())


def _telling_doubt(hedging: Hedging | None, rows: Sequence[int]) -> Iterator[RowFinding]:
    """Words of doubt, where they go with wrong answers; `rows` are the wrong answers that have some."""
    if hedging is None or hedging.wrong.low is None or hedging.correct.high is None:
        return
    if hedging.wrong.low > hedging.correct.high:
        words = ", ".join(list(hedging.commonest)[:3])
        yield RowFinding(
            6,
            "hedging",
            f"{write.percent(hedging.wrong.value)} of {hedging.wrong.n:,} wrong answers hedge, and "
            f"{write.percent(hedging.correct.value)} of {hedging.correct.n:,} correct ones.",
            f"Words of doubt ({words}) are a sign of wrong answers: send answers that contain them to a person.",
            len(rows),
            rows[:EXAMPLES],
        )
