"""How answers are wrong: kinds of error, words of doubt."""

from __future__ import annotations

from collections.abc import Sequence

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, ErrorKind, Hedging
from evalayer_lab.report.html._layout import Cell, Column, Links, Section, paragraph, stated, table, titled
from evalayer_lab.report.html._marks import bar
from evalayer_lab.report.html._markup import Html, el, join, user


def draw(document: Document, _: Links) -> Section | None:
    """Show the kinds of error, the most frequent first, and hedging."""
    parts = [
        _kinds(document.error_kinds) if document.error_kinds else None,
        None if document.hedging is None else _hedging(document.hedging),
    ]
    return Section("errors", "How answers are wrong", join(*parts), "error_kinds") if any(parts) else None


def _kinds(kinds: Sequence[ErrorKind]) -> Html:
    ranked = sorted(kinds, key=lambda kind: -kind.rows)
    most = max((max(each.share.value or 0.0, each.share.high or 0.0) for each in ranked), default=0.0)
    columns = ("Kind", Column("Share of all scored rows", "plot"), "Share", "Rows")
    rows: list[list[Cell]] = []
    for each in ranked:
        kind = join(user(titled(each.kind), 80), el("span", each.meaning, class_="said"))
        ends = f"{write.percent(each.share.low)} to {write.percent(each.share.high)}"
        name = f"{write.percent(each.share.value)}, interval {ends}"
        drawn = bar(each.share.value, most, name, tone="wrong", estimate=each.share)
        rows.append([kind, drawn, write.percent(each.share.value), write.count(each.rows)])
    caption = "Kinds of error, the most frequent first"
    return table(caption, columns, rows, classes="forest")


def _hedging(given: Hedging) -> Html:
    columns = ("Answers", "Share with words of doubt, with its interval", "Rows")
    rows = [
        [name, stated(estimate), write.count(estimate.n)]
        for name, estimate in (("Wrong", given.wrong), ("Right", given.correct))
    ]
    shown = [
        part
        for word, n in given.commonest.items()
        for part in (el("span", user(word, 40), f" {write.count(n)}", class_="pair"), " ")
    ]
    return join(
        el("h3", "Words of doubt"),
        table("Answers with words of doubt", columns, rows, quiet=True),
        paragraph("The most common ones, with their rows: ", *shown) if shown else None,
    )
