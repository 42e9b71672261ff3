"""How answers are wrong: kinds of error, words of doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalayer_lab.report._document import Document, ErrorKind, Hedging
from evalayer_lab.report.html import _format as fmt
from evalayer_lab.report.html._layout import Cell, Column, Section, left_out, paragraph, stated, table
from evalayer_lab.report.html._marks import bar
from evalayer_lab.report.html._markup import Html, cut, el, few, join, user
from evalayer_lab.report.html._words import titled

_MOST: Final = 40
_WORDS: Final = 20


def errors(document: Document) -> Section | None:
    """Show the kinds of error, the most frequent first, and hedging."""
    parts = [
        _kinds(document.error_kinds) if document.error_kinds else None,
        None if document.hedging is None else _hedging(document.hedging),
    ]
    return Section("errors", "How answers are wrong", join(*parts), "error_kinds") if any(parts) else None


def _kinds(kinds: Sequence[ErrorKind]) -> Html:
    ranked, left = few(sorted(kinds, key=lambda kind: -kind.rows), _MOST)
    most = max((max(each.share.value or 0.0, each.share.high or 0.0) for each in ranked), default=0.0)
    columns = [Column("Kind", "text"), Column("Share of all scored rows", "plot"), Column("Share"), Column("Rows")]
    rows: list[list[Cell]] = []
    for each in ranked:
        kind = join(user(titled(each.kind), 80), el("span", cut(each.meaning, 300), class_="said"))
        name = (
            f"{fmt.percent(each.share.value)}, interval {fmt.percent(each.share.low)} to {fmt.percent(each.share.high)}"
        )
        drawn = bar(each.share.value, most, name, tone="wrong", estimate=each.share)
        rows.append([kind, drawn, fmt.percent(each.share.value), fmt.count(each.rows)])
    caption = "Kinds of error, the most frequent first"
    return join(table(caption, columns, rows, classes="forest"), left_out(left, "kinds"))


def _hedging(given: Hedging) -> Html:
    columns = [Column("Answers", "text"), Column("Share with words of doubt, with its interval"), Column("Rows")]
    rows = [
        [name, stated(estimate), fmt.count(estimate.n)]
        for name, estimate in (("Wrong", given.wrong), ("Right", given.correct))
    ]
    words, left = few(given.commonest.items(), _WORDS)
    shown = [part for word, n in words for part in (el("span", user(word, 40), f" {fmt.count(n)}", class_="pair"), " ")]
    return join(
        el("h3", "Words of doubt"),
        table("Answers with words of doubt", columns, rows, quiet=True),
        paragraph("The commonest, with their rows: ", *shown) if shown else None,
        left_out(left, "words"),
    )
