"""How rows, answers and dataset met: each joined exactly once, by content."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Occurrences:
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
        unread_metadata: rows whose metadata is not a JSON object.
        without_log_probabilities: rows without log probabilities.
        unread: rows of the details that could not be read, as far as they could be counted.
    """

    rows: int
    answers: int | None
    expected: int | None
    missing: Occurrences
    unexpected: Occurrences
    duplicates: Occurrences
    ambiguous: Occurrences
    without_metadata: Occurrences
    unread_metadata: Occurrences
    without_log_probabilities: Occurrences
    unread: int = 0
