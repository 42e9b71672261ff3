"""How rows, answers and dataset met: each joined exactly once, by content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a kind: how many, and the first few of them in order of content.

    Attributes:
        count: how many.
        keys: the content keys of the first 20: the same however the rows are packed.
        places: where these stand in the files, as `file: row 5` or `file: line 5`.
    """

    count: int = 0
    keys: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinReport:
    """How the rows of the details met the answers, and the dataset if there is one.

    Rows are matched by prompt and gold, with answers by answer too. The n-th row of one content meets the n-th of the
    other side; the order of the rows and the number of the files have no part in it.

    Attributes:
        rows: rows of the details.
        answers: lines of `inference_output.jsonl`; None without the file, or if no line of it matches.
        expected: rows of the dataset; None if none was given.
        missing: rows of the dataset that no row of the details stands for; without a dataset, answers.
        unexpected: rows of the details that no row of the dataset, or without one no answer, stands for.
        duplicates: rows with the prompt and the gold of another row, all but the first of each.
        ambiguous: rows that could have one of several different metadata, and got none.
        without_metadata: rows that have no metadata after the join.
        unread_metadata: rows whose metadata is no JSON object.
        without_log_probabilities: rows without log probabilities.
        unread: rows of the details that could not be read, as far as they could be counted.
    """

    rows: int
    answers: int | None
    expected: int | None
    missing: Found
    unexpected: Found
    duplicates: Found
    ambiguous: Found
    without_metadata: Found
    unread_metadata: Found
    without_log_probabilities: Found
    unread: int = 0


def join_from(document: Mapping[str, Any]) -> JoinReport:
    """Restore a report from what `dataclasses.asdict` and JSON made of it."""
    fields: dict[str, Any] = {
        name: Found(value["count"], tuple(value["keys"]), tuple(value["places"])) if isinstance(value, dict) else value
        for name, value in document.items()
    }
    return JoinReport(**fields)
