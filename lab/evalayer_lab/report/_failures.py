"""How wrong answers are wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evalayer import label_of
from evalayer_lab.answers import ANSWER_KINDS
from evalayer_lab.report._choice import Verdict
from evalayer_lab.report._document import ErrorKind, Estimate, Hedging
from evalayer_lab.report._estimate import estimate
from evalayer_lab.results import Results
from evalayer_lab.statistics import wilson_interval

UNREADABLE: Final = ("empty", "only_reasoning", "not_json", "cut_off", "not_an_object")
_VIOLATION: Final = "violation."
_COMMONEST: Final = 10
_FEWEST: Final = 20  # correct answers from which usual lengths are taken


@dataclass(frozen=True, slots=True)
class WrongRows:
    """One way in which answers are wrong, and the rows that are wrong in this way first.

    Attributes:
        kind: its name.
        meaning: what that is.
        rows: the indices of the rows, ascending.
    """

    kind: str
    meaning: str
    rows: NDArray[np.intp]


def unreadable(results: Results) -> NDArray[np.bool_]:
    """Which rows have an answer that is not the JSON object asked for, shape (rows,)."""
    codes, kinds = results.codes("answer_kind")
    return np.isin(codes, [code for code, kind in enumerate(kinds) if kind in UNREADABLE])


def wrong_rows(results: Results, verdict: Verdict) -> list[WrongRows]:
    """Sort wrong answers by the first of these that holds: no JSON object, schema violation, length, content."""
    left = verdict.wrong.copy()
    found: list[WrongRows] = []

    def take(kind: str, meaning: str, which: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(left & which)
        if len(rows):
            found.append(WrongRows(kind, meaning, rows))
            left[rows] = False

    if results.field is not None:
        codes, kinds = results.codes("answer_kind")
        for code, kind in enumerate(kinds):
            if kind in UNREADABLE:
                take(kind, ANSWER_KINDS[kind], codes == code)
    for keyword, broken in _violations(results).items():
        take(f"schema: {keyword}", f"The answer breaks the schema's {keyword} first.", broken)
    characters = results.column("answer_characters")
    usual = _usual(characters[verdict.right])
    if usual is not None:
        low, high = usual
        meaning = "The answer has {} than {:,} characters, as no usual answer does."
        take("too short", meaning.format("fewer", low), characters < low)
        take("too long", meaning.format("more", high), characters > high)
    take("wrong content", "The answer has the form that was asked for, and says the wrong thing.", left)
    return sorted(found, key=lambda each: (-len(each.rows), each.kind))


def error_kinds(results: Results, kinds: list[WrongRows], n: int, *, level: float) -> Iterator[ErrorKind]:
    """Count the kinds, each as a share of the n rows that are right or wrong."""
    for each in kinds:
        rows = len(each.rows)
        share = wilson_interval(rows, n, level=level, n_unscored=results.rows - n)
        yield ErrorKind(kind=each.kind, meaning=each.meaning, rows=rows, share=estimate(share))


def hedging(results: Results, verdict: Verdict, *, level: float) -> tuple[Hedging | None, list[int]]:
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
        return estimate(wilson_interval(int(np.count_nonzero(hedged & rows)), int(np.count_nonzero(rows)), level=level))

    commonest = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:_COMMONEST]
    record = Hedging(wrong=share(verdict.wrong), correct=share(verdict.right), commonest=dict(commonest))
    return record, np.flatnonzero(hedged & verdict.wrong).tolist()


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
