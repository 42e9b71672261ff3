"""The reliability diagram: how often rows of a confidence are right."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evalayer_lab.report._document import Bin
from evalayer_lab.report.html import _format as fmt
from evalayer_lab.report.html._chart import LEFT, RIGHT, chart, x_axis, y_axis
from evalayer_lab.report.html._layout import Column, stated, table
from evalayer_lab.report.html._markup import Html, el, join
from evalayer_lab.report.html._scale import Scale

_TOP, _BOTTOM = 26.0, 266.0
_STRIP_TOP, _STRIP_BOTTOM = 296.0, 338.0


def reliability_chart(bins: Sequence[Bin]) -> Html:
    """Draw accuracy by confidence with its intervals, beside the diagonal, over a strip with the rows of each bin."""
    x, y = Scale(0, 1, LEFT, RIGHT), Scale(0, 1, _BOTTOM, _TOP)
    diagonal = el("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="reference")
    said = el("text", "as sure as it is right", x=x(0.03), y=y(0.03) - 9, class_="note", transform=_along(x, y))
    filled = [each for each in bins if each.n > 0]
    return chart(
        "reliability",
        "Reliability diagram",
        _description(filled),
        y_axis(y, "Share that is right", _tick),
        diagonal,
        said,
        *(_point(each, x, y) for each in filled),
        el("text", "Rows", x=2, y=_STRIP_TOP - 10, class_="label"),
        *_strip(filled, x),
        x_axis(x, _STRIP_BOTTOM, "Confidence", _tick),
        height=380,
    )


def reliability_table(bins: Sequence[Bin]) -> Html:
    """List the bins."""
    columns = [
        Column("Confidence"),
        Column("Rows"),
        Column("Mean confidence"),
        Column("Share right, with its interval"),
    ]
    rows = [
        (
            f"{_edge(each.low)} to {_edge(each.high)}",
            fmt.count(each.n),
            fmt.number(each.mean_confidence),
            stated(each.accuracy),
        )
        for each in bins
    ]
    return table("Rows, confidence and accuracy by bin of confidence", columns, rows)


def _point(each: Bin, x: Scale, y: Scale) -> Html:
    place = x(each.mean_confidence if each.mean_confidence is not None else (each.low + each.high) / 2)
    estimate = each.accuracy
    shapes = []
    if estimate.low is not None and estimate.high is not None:
        shapes.append(el("line", x1=place, x2=place, y1=y(estimate.low), y2=y(estimate.high), class_="whisker right"))
    if estimate.value is not None:
        shapes.append(el("circle", cx=place, cy=y(estimate.value), r=4.5, class_="dot right"))
    return join(*shapes)


def _strip(bins: Sequence[Bin], x: Scale) -> list[Html]:
    most = max((each.n for each in bins), default=1)
    shapes = []
    for each in bins:
        left, right = x(each.low), x(each.high)
        height = max(1.0, (_STRIP_BOTTOM - _STRIP_TOP) * (each.n / most))
        top, middle = _STRIP_BOTTOM - height, (left + right) / 2
        width = max(1.0, right - left - 2)
        shapes.append(el("rect", x=left + 1, y=top, width=width, height=height, class_="bar right"))
        said = fmt.short_count(each.n)
        shapes.append(el("text", said, x=middle, y=top - 4, text_anchor="middle", class_="count"))
    return shapes


def _description(bins: Sequence[Bin]) -> str:
    said = [
        f"{fmt.rows(each.n)} with a mean confidence of {fmt.number(each.mean_confidence)}: "
        f"{fmt.number(each.accuracy.value)} are right"
        for each in bins
    ]
    return f"Points below the diagonal are rows that are less often right than they are sure. {'; '.join(said[:30])}."


def _along(x: Scale, y: Scale) -> str:
    """Turn a text at the lower left to run along the diagonal."""
    angle = math.degrees(math.atan2(y(1) - y(0), x(1) - x(0)))
    return f"rotate({angle:.1f} {x(0.03):.1f} {y(0.03):.1f})"


def _edge(value: float) -> str:
    return f"{value:.2f}"


def _tick(value: float) -> str:
    return f"{value:g}"
