"""What happened to the rows, and how their files met."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, Join
from evalayer_lab.report.html._layout import Column, Columns, Links, Section, bullets, details, list_table
from evalayer_lab.report.html._markup import Html, cut, join, user

_MOST: Final = 40
_REASONS: Final[Columns[tuple[str, str, int]]] = (
    ("Metric", lambda line: user(line[0])),
    (Column("Reason", "text"), lambda line: user(line[1], 300)),
    ("Rows", lambda line: write.count(line[2])),
)


def draw(document: Document, _: Links) -> Section:
    """Account for every row."""
    given = document.rows
    counts = (
        ("Rows of the dataset", given.expected),
        ("Read", given.read),
        ("Broken lines, left out", given.bad),
        ("Failed in the model or the function", given.failed),
        ("Scored: all figures are based on these", given.scored),
        ("Scored, with an answer that is not the JSON asked for", given.unparseable),
    )
    known = [(name, n) for name, n in counts if n is not None]
    kinds = [(user(kind, 200), n) for kind, n in document.failures.items()]
    reasons = ((metric, reason, n) for metric, found in document.unscored.items() for reason, n in found.items())
    unscored = "Rows that a metric did not score, by reason"
    body = join(
        _counts("Rows, from the dataset to the figures", "Rows", "Number", known),
        _counts("Failed rows by kind", "Kind", "Rows", kinds),
        list_table(unscored, _REASONS, reasons, most=_MOST, what="reasons"),
        _join(document.join),
    )
    return Section("rows", "What happened to the rows", body)


def _join(given: Join) -> Html:
    counts = (
        ("With no partner in another file", given.missing),
        ("Duplicates of an earlier row, distinguished by their order", given.duplicate),
        ("Duplicates that match different dataset rows", given.ambiguous),
        ("Without metadata", given.without_metadata),
        ("With metadata that is not a JSON object", given.unread_metadata),
        ("Without log probabilities", given.without_logprobs),
    )
    problems = bullets(cut(problem, 300) for problem in given.problems) if given.problems else None
    return join(
        _counts("How the files were joined", "Rows of the output's files, joined by content", "Number", counts),
        details(f"The first of these rows ({len(given.problems)})", problems),
    )


def _counts(caption: str, what: str, number: str, counts: Iterable[tuple[str, int]]) -> Html | None:
    columns: Columns[tuple[str, int]] = [(what, lambda item: item[0]), (number, lambda item: write.count(item[1]))]
    return list_table(caption, columns, counts, most=_MOST, what="kinds")
