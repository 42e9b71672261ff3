"""Two runs row by row: differences with their intervals, and the verdict in words."""

from __future__ import annotations

from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Difference, Document
from evalayer_lab.report.html._chart import Scale
from evalayer_lab.report.html._layout import Links, Section, left_out, paragraph, stated, table
from evalayer_lab.report.html._marks import axis_for, interval_mark, plot
from evalayer_lab.report.html._markup import Html, cut, el, few, join, prose, user

_MOST: Final = 60
_SIGNS: Final = {"better": "▲", "worse": "▼", "equivalent": "=", "no evidence": "?"}
_TONES: Final = {"better": "right", "worse": "wrong", "equivalent": "", "no evidence": ""}


def draw(document: Document, _: Links) -> Section | None:
    """Show the differences of this run and another one."""
    compared = document.comparison
    if compared is None:
        return None
    shown, left = few(compared.differences, _MOST)
    shares = [each.difference for each in shown if _is_share(each)]
    scale = axis_for(*shares, also=(0.0, compared.margin, -compared.margin if compared.margin else None))
    only = f"{write.rows(compared.n_only_this)} only in this run and {compared.n_only_other:,} only in the other are"
    margin = f" Differences within ±{write.number(compared.margin)} count as equivalent." if compared.margin else ""
    drawn = plot("Difference and its interval", scale, sign=True)
    columns = ("Metric and verdict", drawn, "This minus other", "This", "Other", "p", "q", "Smallest detectable")
    body = join(
        paragraph(prose(compared.sentence), classes="lead"),
        paragraph(
            f"This run minus the other, on {write.count(compared.n_paired)} paired rows; {only} left out.",
            margin,
        ),
        table("Differences by metric", columns, [_row(each, scale) for each in shown], classes="forest"),
        left_out(left, "metrics"),
    )
    return Section("comparison", "Beside the other run", body, "comparison")


def _verdict(word: str) -> Html:
    """Show a verdict as a word with a sign."""
    sign = el("span", _SIGNS[word], aria_hidden="true")
    return el("span", sign, f" {word}", class_=f"chip {_TONES[word]}".strip())


def _row(each: Difference, scale: Scale | None) -> list[str]:
    tone = _TONES[each.verdict]
    drawn = interval_mark(each.difference, scale, 0.0, tone=tone) if _is_share(each) else Html("on another scale")
    small = write.MISSING if each.smallest_detectable is None else f"±{write.number(each.smallest_detectable)}"
    return [
        join(user(each.metric), " ", _verdict(each.verdict), el("span", cut(each.sentence, 400), class_="said")),
        drawn,
        stated(each.difference, sign=True),
        write.number(each.this),
        write.number(each.other),
        el("span", write.p_value(each.p_value), title=cut(each.test, 100)),
        write.p_value(each.q_value),
        small,
    ]


def _is_share(each: Difference) -> bool:
    """Whether the difference may share an axis with those of shares."""
    ends = (each.difference.value, each.difference.low, each.difference.high)
    return all(end is None or -1 <= end <= 1 for end in ends)
