"""Rows to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from evalayer_lab.answers import shaded_tokens
from evalayer_lab.report import write
from evalayer_lab.report._document import Example, Finding, Token
from evalayer_lab.report._judged import Verdict
from evalayer_lab.report._part import RowFinding
from evalayer_lab.report._question import Question
from evalayer_lab.results import Results, RowTexts

_LONGEST: Final = 4000  # characters of a text that is shown
_MOST_TOKENS: Final = 400
_ROWS: Final = """
    SELECT * FROM (SELECT row_number() OVER () - 1 AS row, key, ordinal, gold_label, predicted_label FROM rows)
    WHERE row IN (SELECT unnest(?::BIGINT[]))
"""


def with_examples(question: Question, found: Sequence[RowFinding]) -> tuple[tuple[Finding, ...], tuple[Example, ...]]:
    """The findings with the ids of their rows, and these rows."""
    results, texts, confidence = question.results, question.texts, question.confidence
    why: dict[int, str] = {}
    for each in found:
        for row in each.rows:
            why.setdefault(row, each.sentence)
    rows = list(why)
    labels = _read_labels(results, rows)
    read: Sequence[RowTexts | None] = results.texts(rows) if texts else [None] * len(rows)
    examples = tuple(
        Example(
            id=labels[row][0],
            why=why[row],
            correct=_correct(question.verdict, row),
            confidence=None if confidence is None or np.isnan(confidence[row]) else float(confidence[row]),
            gold_label=_label(labels[row][1], results, texts=texts),
            predicted_label=_label(labels[row][2], results, texts=texts),
            metadata={key.name: key.values[key.codes[row]] for key in question.metadata if key.codes[row] >= 0},
            prompt=None if text is None else _cut(text.prompt),
            answer=None if text is None else _cut(text.answer),
            gold=None if text is None else _cut(text.gold),
            tokens=tuple(map(Token.of, tokens[:_MOST_TOKENS])),
        )
        for row, text in zip(rows, read, strict=True)
        for tokens in [shaded_tokens(text.answer or "", text.positions, results.field) if text is not None else ()]
    )
    findings = tuple(
        Finding.of(each, rows=each.n, examples=tuple(labels[row][0] for row in each.rows)) for each in found
    )
    return findings, examples


def _read_labels(results: Results, rows: Sequence[int]) -> dict[int, tuple[str, str | None, str | None]]:
    """For rows by their indices: an id, the label of the gold and that of the answer, None where there is none.

    The id is the beginning of the digest of prompt and gold, with the ordinal among rows of the same.
    """
    found = results.connection.execute(_ROWS, [list(rows)]).fetchall() if rows else []
    return {
        row: (f"{key[:12]}-{ordinal}" if ordinal else key[:12], gold, predicted)
        for row, key, ordinal, gold, predicted in found
    }


def _correct(verdict: Verdict | None, row: int) -> bool | None:
    if verdict is None or not (verdict.right[row] or verdict.wrong[row]):
        return None
    return bool(verdict.right[row])


def _label(label: str | None, results: Results, *, texts: bool) -> str | None:
    """A label as it is; but one that is not a known label can be the text of an answer, and is told like one."""
    if texts or label is None or label in results.labels:
        return _cut(label)
    return None if results.field is None else write.one_line(label)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else text[:_LONGEST] + " …"
