"""The histogram of confidence: right rows below, wrong rows hatched on top of them."""

from __future__ import annotations

from evalayer_lab.report._document import Histogram
from evalayer_lab.report.html import _format as fmt
from evalayer_lab.report.html._chart import LEFT, RIGHT, chart, hatched, legend, x_axis, y_axis
from evalayer_lab.report.html._layout import Column, table
from evalayer_lab.report.html._markup import Html, el, join
from evalayer_lab.report.html._scale import Scale, around

_TOP, _BOTTOM = 56.0, 300.0


def histogram_chart(histogram: Histogram) -> Html:
    """Draw the rows of each bin."""
    bins = _bins(histogram)
    most = max((right + wrong for _, _, right, wrong in bins), default=0)
    x = Scale(0, 1, LEFT, RIGHT)
    y = around((0.0, float(max(1, most))), _BOTTOM, _TOP, about=8) or Scale(0, 1, _BOTTOM, _TOP)
    if y.high <= 1:
        y = Scale(0, max(1.0, float(most)), _BOTTOM, _TOP)
    marks = (
        ("right", el("rect", width=12, height=12, class_="bar right")),
        ("wrong", hatched(0, 0, 12, 12)),
    )
    return chart(
        "histogram",
        "Rows by confidence and correctness",
        _description(histogram),
        legend(marks, 4),
        y_axis(y, "Rows", fmt.tick_count),
        *(_bar(each, x, y) for each in bins),
        x_axis(x, _BOTTOM, "Confidence", lambda tick: f"{tick:g}"),
        height=345,
    )


def histogram_table(histogram: Histogram) -> Html:
    """List the bins."""
    rows = [
        (f"{low:.2f} to {high:.2f}", fmt.count(right), fmt.count(wrong)) for low, high, right, wrong in _bins(histogram)
    ]
    return table("Right and wrong rows by confidence", [Column("Confidence"), Column("Right"), Column("Wrong")], rows)


def _bins(histogram: Histogram) -> list[tuple[float, float, int, int]]:
    edges = histogram.edges
    return list(zip(edges, edges[1:], histogram.correct, histogram.wrong, strict=False))


def _bar(each: tuple[float, float, int, int], x: Scale, y: Scale) -> Html:
    low, high, right, wrong = each
    left, width = x(low) + 0.75, max(1.0, x(high) - x(low) - 1.5)
    shapes = []
    top = y(right)
    if right > 0:
        height = max(1.0, y(0) - top)
        shapes.append(el("rect", x=left, y=y(0) - height, width=width, height=height, class_="bar right"))
    if wrong > 0:
        height = max(2.0, top - y(right + wrong))
        shapes.append(hatched(left, top - height, width, height))
    return join(*shapes)


def _description(histogram: Histogram) -> str:
    right, wrong = sum(histogram.correct), sum(histogram.wrong)
    bins = _bins(histogram)
    if not bins:
        return "There are no rows."
    low, high, top_right, top_wrong = bins[-1]
    return (
        f"{fmt.rows(right)} right and {fmt.rows(wrong)} wrong. With a confidence from {low:.2f} to {high:.2f}, "
        f"{fmt.rows(top_right)} are right and {fmt.rows(top_wrong)} wrong."
    )
