"""Runs of support tickets with known properties, for tests of what a report makes of them."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab.report.output_folder import class_info, class_row, score_info
from tests.lab.results.result_tree import Row, write_tree

from evalayer_lab.report import Document, analyse
from evalayer_lab.results import Results, read_results

LABELS = ("access", "hardware", "network")
VIOLATIONS = ("violation.enum", "violation.minLength")
METRICS = (
    class_info(LABELS),
    {"name": "schema", "parts": ["valid", *VIOLATIONS], "corpus": False, "higher_is_better": True},
    score_info("grade"),
    score_info("toxic", higher_is_better=False),
)


def ticket(
    index: int,
    gold: str | None = "access",
    predicted: str | None = None,
    *,
    confidence: float | None = None,
    answer: str | None = None,
    thought: str = "It is plain to see.",
    violation: str | None = None,
    grade: float | None = 0.5,
    toxic: float | None = 0.0,
    metadata: Mapping[str, object] | None = None,
) -> Row:
    """One row; without `predicted` it is right, without `gold` it has no verdict.

    Args:
        index: stands in the prompt.
        gold: the gold label.
        predicted: the label of the answer; one that is none of the labels is wrong and counts for none.
        confidence: the joint probability of the label's two tokens; None for a row without log probabilities.
        answer: the whole answer, where it is not JSON.
        thought: free text of the answer.
        violation: the keyword of the schema that it breaks.
        grade: of a metric from 0 to 1.
        toxic: of a metric of 0 and 1 where 1 is bad.
        metadata: what is known of the row.
    """
    said = predicted or gold or "access"
    text = json.dumps({"class": said, "thought": thought}) if answer is None else answer
    counted = None if answer is not None or said not in LABELS else said
    scores = class_row(gold, counted, LABELS)
    scores |= {"schema.valid": float(violation is None), "schema.unscored": 0.0}
    scores |= {f"schema.{name}": float(name == f"violation.{violation}") for name in VIOLATIONS}
    for name, value in (("grade", grade), ("toxic", toxic)):
        scores |= {name: value or 0.0, f"{name}.unscored": float(value is None)}
    positions: list[dict[str, float]] = []
    if confidence is not None and answer is None:
        before, _, after = text.partition(said)
        half = math.log(confidence) / 2
        other = math.log(max(1e-12, 1 - math.sqrt(confidence)) / 2)
        positions = [{before: 0.0}, {said[:3]: half, "oth": other}, {said[3:]: half}, {after: 0.0}]
    return Row(
        prompt=f"Ticket {index}: the prompt.",
        gold=json.dumps({"class": gold or "access"}),
        answer=text,
        scores=scores,
        metadata=None if metadata is None else json.dumps(metadata),
        positions=positions,
    )


def write_tickets(folder: Path, rows: Sequence[Row], *, run: Mapping[str, Any] | None = None, **options: Any) -> Path:
    """Write their output, with a `run.json` unless `run` is empty."""
    counts = {"read": len(rows), "bad": 0, "failed": 0, "scored": len(rows)}
    known: dict[str, Any] = {"aggregation": "average", "metrics": METRICS, "rows": counts}
    return write_tree(folder, rows, run=None if run == {} else {**known, **(run or {})}, **options)


def read_tickets(folder: Path, rows: Sequence[Row], **options: Any) -> Results:
    """Write their output and read it."""
    return read_results(write_tickets(folder, rows, **options), cache=False)


def report_of(folder: Path, rows: Sequence[Row], *, run: Mapping[str, Any] | None = None, **options: Any) -> Document:
    """Write their output and analyse it."""
    return analyse(read_tickets(folder, rows, run=run), **options)


def mixed_rows(count: int = 400, seed: int = 0) -> list[Row]:
    """Rows of every kind: right and wrong, sure and unsure, unreadable, without a verdict, a confidence, metadata."""
    rng = random.Random(seed)
    rows = []
    for index in range(count):
        gold = rng.choice(LABELS)
        hard = rng.random() < 0.3
        wrong = rng.random() < (0.6 if hard else 0.15)
        options: dict[str, Any] = {"confidence": round(rng.betavariate(2, 2) if wrong else rng.betavariate(4, 2), 3)}
        predicted = rng.choice([label for label in LABELS if label != gold]) if wrong else gold
        if wrong:
            options |= rng.choice(
                [
                    {},
                    {},
                    {"answer": ""},
                    {"answer": '{"class": "acc'},
                    {"answer": "I cannot say."},
                    {"violation": "enum"},
                    {"thought": "Perhaps, I am not sure. " * 20},
                    {"thought": "Perhaps it is."},
                ]
            )
            if rng.random() < 0.1:
                predicted = "none of them"
        if rng.random() < 0.1:
            options["confidence"] = None
        if rng.random() < 0.05:
            gold, predicted = "", ""
        if rng.random() < 0.9:
            options["metadata"] = {"level": "hard" if hard else "easy", "domain": rng.choice("abcd"), "id": index}
        options |= {"grade": rng.choice([None, 0.25, 0.3, 0.7, 1.0]), "toxic": float(rng.random() < 0.2)}
        rows.append(ticket(index, gold or None, predicted or None, **options))
        if rng.random() < 0.05:
            rows.append(ticket(index, gold or None, predicted or None, **{**options, "grade": 0.9}))
    return rows
