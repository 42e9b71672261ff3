"""Two runs row by row: differences with their intervals, and the verdict in words."""

from __future__ import annotations

from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Comparison, Difference, Document
from evalayer_lab.report.html._layout import Columns, Links, Section, list_table, stated
from evalayer_lab.report.html._marks import axis_for, interval_mark, plot
from evalayer_lab.report.html._markup import Html, cut, el, join, prose, user

_MOST: Final = 60
_VERDICTS: Final = {
    "better": ("▲", "right"),
    "worse": ("▼", "wrong"),
    "equivalent": ("=", ""),
    "no evidence": ("?", ""),
}
"""The sign and the tone of each verdict."""


def draw(document: Document, _: Links) -> Section | None:
    """Show the differences of this run and another one."""
    compared = document.comparison
    if compared is None:
        return None
    only = f"{write.rows(compared.n_only_this)} only in this run and {compared.n_only_other:,} only in the other are"
    margin = f" Differences within ±{write.number(compared.margin)} count as equivalent." if compared.margin else ""
    body = join(
        el("p", prose(compared.sentence), class_="lead"),
        el(
            "p",
            f"This run minus the other, on {write.count(compared.n_paired)} paired rows; {only} left out.",
            margin,
        ),
        _table(compared),
    )
    return Section("comparison", "Compared with the other run", body, "comparison")


def _table(compared: Comparison) -> Html | None:
    shares = [each.difference for each in compared.differences[:_MOST] if _is_share(each)]
    scale = axis_for(*shares, also=(0.0, compared.margin, -compared.margin if compared.margin else None))

    def draw_interval(each: Difference) -> str:
        _, tone = _VERDICTS[each.verdict]
        return interval_mark(each.difference, scale, 0.0, tone=tone) if _is_share(each) else "on another scale"

    columns: Columns[Difference] = [
        ("Metric and verdict", _name),
        (plot("Difference and its interval", scale, sign=True), draw_interval),
        ("This minus other", lambda each: stated(each.difference, sign=True)),
        ("This", lambda each: write.number(each.this)),
        ("Other", lambda each: write.number(each.other)),
        ("p", lambda each: el("span", write.p_value(each.p_value), title=cut(each.test, 100))),
        ("q", lambda each: write.p_value(each.q_value)),
        ("Smallest detectable", _smallest),
    ]
    return list_table(
        "Differences by metric", columns, compared.differences, most=_MOST, what="metrics", classes="forest"
    )


def _name(each: Difference) -> Html:
    """A metric with its verdict, as a word with a sign."""
    sign, tone = _VERDICTS[each.verdict]
    chip = el("span", el("span", sign, aria_hidden="true"), f" {each.verdict}", class_=f"chip {tone}".strip())
    return join(user(each.metric), " ", chip, el("span", cut(each.sentence, 400), class_="said"))


def _smallest(each: Difference) -> str:
    return write.MISSING if each.smallest_detectable is None else f"±{write.number(each.smallest_detectable)}"


def _is_share(each: Difference) -> bool:
    """Whether the difference may share an axis with those of shares."""
    ends = (each.difference.value, each.difference.low, each.difference.high)
    return all(end is None or -1 <= end <= 1 for end in ends)
