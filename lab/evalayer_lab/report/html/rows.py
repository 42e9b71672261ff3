"""What became of the rows, and how their files met."""

from __future__ import annotations

from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, Join
from evalayer_lab.report.html._layout import Cell, Column, Links, Section, bullets, details, left_out, table
from evalayer_lab.report.html._markup import Html, cut, few, join, user

_MOST: Final = 40


def draw(document: Document, _: Links) -> Section:
    """Account for every row."""
    given = document.rows
    counts = (
        ("Rows of the dataset", given.expected),
        ("Read", given.read),
        ("Broken lines, left out", given.bad),
        ("Failed in the model or the function", given.failed),
        ("Scored: all figures stand on these", given.scored),
        ("Scored, with an answer that is not the JSON asked for", given.unparseable),
    )
    known: list[list[Cell]] = [[name, write.count(n)] for name, n in counts if n is not None]
    body = [
        table("Rows, from the dataset to the figures", ["Rows", "Number"], known),
        _counts("Failed rows by kind", "Kind", document.failures),
        _unscored(document),
        _join(document.join),
    ]
    return Section("rows", "What became of the rows", join(*body))


def _unscored(document: Document) -> Html | None:
    lines, left = few(
        ((metric, reason, n) for metric, reasons in document.unscored.items() for reason, n in reasons.items()), _MOST
    )
    if not lines:
        return None
    columns = ("Metric", Column("Reason", "text"), "Rows")
    cells = [[user(metric), user(reason, 300), write.count(n)] for metric, reason, n in lines]
    return join(table("Rows that a metric did not score, by reason", columns, cells), left_out(left, "reasons"))


def _join(given: Join) -> Html:
    counts = {
        "With no partner in another file": given.missing,
        "With the same content as an earlier row, told apart by their ordinal": given.duplicate,
        "Duplicates that differ in what is joined to them": given.ambiguous,
        "Without metadata": given.without_metadata,
        "With metadata that is not a JSON object": given.unread_metadata,
        "Without log probabilities": given.without_logprobs,
    }
    columns = ("Rows of the output's files, joined by content", "Number")
    cells: list[list[Cell]] = [[name, write.count(n)] for name, n in counts.items()]
    listed = None
    if given.problems:
        said = bullets(cut(problem, 300) for problem in given.problems)
        listed = details(f"The first of these rows ({len(given.problems)})", said)
    return join(table("How the files were joined", columns, cells), listed)


def _counts(caption: str, what: str, counts: dict[str, int]) -> Html | None:
    if not counts:
        return None
    shown, left = few(counts.items(), _MOST)
    cells = [[user(name, 200), write.count(n)] for name, n in shown]
    return join(table(caption, [what, "Rows"], cells), left_out(left, "kinds"))
