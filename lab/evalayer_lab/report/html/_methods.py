"""How each number was computed, what the rows are, and where the report comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from evalayer_lab.report._document import Document, Join
from evalayer_lab.report.html import _format as fmt
from evalayer_lab.report.html._layout import Cell, Column, Section, bullets, details, left_out, paragraph, table, terms
from evalayer_lab.report.html._links import MOST_METHODS, Links
from evalayer_lab.report.html._markup import Html, cut, el, few, join, prose, user
from evalayer_lab.report.html._words import titled

_MOST: Final = 40
_SENTENCE: Final = 1000


def rows(document: Document) -> Section:
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
    known: list[list[Cell]] = [[name, fmt.count(n)] for name, n in counts if n is not None]
    body = [
        table("Rows, from the dataset to the figures", [Column("Rows", "text"), Column("Number")], known),
        _counts("Failed rows by kind", "Kind", document.failures),
        _unscored(document),
        _join(document.join),
    ]
    return Section("rows", "What became of the rows", join(*body))


def methods(document: Document, links: Links) -> Section:
    """Say how each number was computed, and what a reader must know of it."""
    shown, left = few(document.methods.items(), MOST_METHODS)
    said = [
        el("div", el("dt", user(titled(name), 80)), el("dd", prose(text, _SENTENCE)), id=links.methods[name])
        for name, text in shown
    ]
    body = [
        el("dl", *said, class_="methods") if said else paragraph("No figure of this report needs a method."),
        left_out(left, "methods"),
        _sentences("Notes", document.notes),
        _sentences("Assumptions", document.assumptions),
    ]
    return Section("methods", "How each number was computed", join(*body))


def footer(document: Document) -> Html:
    """Say where the report comes from. No date: the same input gives the same bytes."""
    run = document.run
    facts = (
        ("Report by", f"evalayer {cut(document.evalayer, 40)}"),
        ("Run by", None if run.evalayer is None else f"evalayer {cut(run.evalayer, 40)}"),
        ("Read from", el("code", user(run.folder, 300))),
        ("Aggregation", None if run.aggregation is None else cut(run.aggregation, 40)),
        ("Digest of the rows", el("code", cut(run.digest, 128))),
        ("Schema", str(document.schema_version)),
    )
    said = "This file needs no network and runs no script. The same rows give the same bytes."
    return el("footer", el("h2", "Provenance"), terms(facts, classes="facts"), paragraph(said))


def _unscored(document: Document) -> Html | None:
    lines, left = few(
        ((metric, reason, n) for metric, reasons in document.unscored.items() for reason, n in reasons.items()), _MOST
    )
    if not lines:
        return None
    columns = [Column("Metric", "text"), Column("Reason", "text"), Column("Rows")]
    cells = [[user(metric), user(reason, 300), fmt.count(n)] for metric, reason, n in lines]
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
    columns = [Column("Rows of the output's files, joined by content", "text"), Column("Number")]
    cells: list[list[Cell]] = [[name, fmt.count(n)] for name, n in counts.items()]
    problems, left = few(given.problems, _MOST)
    listed = None
    if problems:
        said = bullets(cut(problem, 300) for problem in problems)
        listed = details(f"The first of these rows ({len(given.problems)})", said, left_out(left, "rows"))
    return join(table("How the files were joined", columns, cells), listed)


def _counts(caption: str, what: str, counts: dict[str, int]) -> Html | None:
    if not counts:
        return None
    shown, left = few(counts.items(), _MOST)
    cells = [[user(name, 200), fmt.count(n)] for name, n in shown]
    return join(table(caption, [Column(what, "text"), Column("Rows")], cells), left_out(left, "kinds"))


def _sentences(title: str, sentences: Iterable[str]) -> Html | None:
    shown, left = few(sentences, _MOST)
    if not shown:
        return None
    return join(
        el("h3", title), bullets(prose(sentence, _SENTENCE) for sentence in shown), left_out(left, title.lower())
    )
