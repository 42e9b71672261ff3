"""How answers are wrong: kinds of error, words of doubt."""

from __future__ import annotations

from collections.abc import Sequence

from evalayer_lab.report import write
from evalayer_lab.report._document import Document, ErrorKind, Hedging
from evalayer_lab.report.html._layout import (
    Column,
    Columns,
    Links,
    Section,
    list_table,
    pairs,
    stated,
    table,
    titled,
)
from evalayer_lab.report.html._marks import bar
from evalayer_lab.report.html._markup import Html, el, join, user


def draw(document: Document, _: Links) -> Section | None:
    """Show the kinds of error, the most frequent first, and hedging."""
    parts = [_kinds(document.error_kinds), None if document.hedging is None else _hedging(document.hedging)]
    return Section("errors", "How answers are wrong", join(*parts), "error_kinds") if any(parts) else None


def _kinds(kinds: Sequence[ErrorKind]) -> Html | None:
    ranked = sorted(kinds, key=lambda kind: -kind.rows)
    most = max((max(each.share.value or 0.0, each.share.high or 0.0) for each in ranked), default=0.0)
    columns: Columns[ErrorKind] = [
        ("Kind", lambda each: join(user(titled(each.kind), 80), el("span", each.meaning, class_="said"))),
        (Column("Share of all scored rows", "plot"), lambda each: bar(each.share, most)),
        ("Share", lambda each: write.percent(each.share.value)),
        ("Rows", lambda each: write.count(each.rows)),
    ]
    return list_table("Kinds of error, the most frequent first", columns, ranked, classes="forest")


def _hedging(given: Hedging) -> Html:
    columns = ("Answers", "Share with words of doubt, with its interval", "Rows")
    rows = [
        [name, stated(estimate), write.count(estimate.n)]
        for name, estimate in (("Wrong", given.wrong), ("Right", given.correct))
    ]
    shown = pairs(join(user(word, 40), f" {write.count(n)}") for word, n in given.commonest.items())
    return join(
        el("h3", "Words of doubt"),
        table("Answers with words of doubt", columns, rows, quiet=True),
        el("p", "The most common ones, with their rows: ", shown) if shown else None,
    )
