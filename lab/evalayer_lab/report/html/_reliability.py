"""The figures of confidence: reliability, right and wrong rows by confidence, risk and coverage."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Gate, Histogram, RiskPoint
from evalayer_lab.report.html._chart import LEFT, RIGHT, Scale, around, chart, hatched, legend, path, x_axis, y_axis
from evalayer_lab.report.html._layout import Column, Columns, figure, list_table, stated
from evalayer_lab.report.html._markup import Html, el, join
from evalayer_lab.statistics import ReliabilityBin

_TOP = 26.0
_RELIABILITY_BOTTOM, _BOTTOM = 266.0, 300.0
_STRIP_TOP, _STRIP_BOTTOM = 296.0, 338.0
_STACK_TOP = 56.0
_NOISY: Final = 0.05  # coverage below which the curve stands on a few rows and does not set the height of the axis
_LISTED: Final = 20
_SHARES: Final = Scale(0, 1, LEFT, RIGHT)
_Stack = tuple[float, float, int, int]
"""The ends of a bin of confidence, and its right and wrong rows."""


def reliability(bins: Sequence[ReliabilityBin], takeaway: str) -> Html:
    """Draw accuracy by confidence with its intervals, beside the diagonal, over a strip with the rows of each bin."""
    x, y = _SHARES, Scale(0, 1, _RELIABILITY_BOTTOM, _TOP)
    filled = [each for each in bins if each.n > 0]
    said = [
        f"{write.rows(each.n)} with a mean confidence of {write.number(each.mean_confidence)}: "
        f"{write.number(each.accuracy.value)} are right"
        for each in filled
    ]
    angle = math.degrees(math.atan2(y(1) - y(0), x(1) - x(0)))
    along = f"rotate({angle:.1f} {x(0.03):.1f} {y(0.03):.1f})"
    drawn = chart(
        "reliability",
        "Reliability diagram",
        f"Below the diagonal, rows are right less often than their confidence says. {'; '.join(said)}.",
        y_axis(y, "Share that is right", "{:g}".format),
        el("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="reference"),
        el("text", "perfectly calibrated", x=x(0.03), y=y(0.03) - 9, class_="note", transform=along),
        *(_point(each, x, y) for each in filled),
        el("text", "Rows", x=2, y=_STRIP_TOP - 10, class_="label"),
        *_strip(filled, x),
        x_axis(x, _STRIP_BOTTOM, "Confidence", "{:g}".format),
        height=380,
    )
    columns: Columns[ReliabilityBin] = [
        (Column("Confidence", "num"), lambda each: f"{each.low:.2f} to {each.high:.2f}"),
        ("Rows", lambda each: write.count(each.n)),
        ("Mean confidence", lambda each: write.number(each.mean_confidence)),
        ("Share right, with its interval", lambda each: stated(each.accuracy)),
    ]
    listed = list_table("Rows, confidence and accuracy by bin of confidence", columns, bins)
    return figure("Reliability", takeaway, drawn, listed)


def _point(each: ReliabilityBin, x: Scale, y: Scale) -> Html:
    place = x(each.mean_confidence if each.mean_confidence is not None else (each.low + each.high) / 2)
    estimate = each.accuracy
    shapes = []
    if estimate.low is not None and estimate.high is not None:
        shapes.append(el("line", x1=place, x2=place, y1=y(estimate.low), y2=y(estimate.high), class_="whisker right"))
    if estimate.value is not None:
        shapes.append(el("circle", cx=place, cy=y(estimate.value), r=4.5, class_="dot right"))
    return join(*shapes)


def _strip(bins: Sequence[ReliabilityBin], x: Scale) -> Iterator[Html]:
    most = max((each.n for each in bins), default=1)
    for each in bins:
        left, right = x(each.low), x(each.high)
        height = max(1.0, (_STRIP_BOTTOM - _STRIP_TOP) * (each.n / most))
        top, middle = _STRIP_BOTTOM - height, (left + right) / 2
        yield el("rect", x=left + 1, y=top, width=max(1.0, right - left - 2), height=height, class_="bar right")
        yield el("text", write.short_count(each.n), x=middle, y=top - 4, text_anchor="middle", class_="count")


def right_and_wrong(histogram: Histogram, takeaway: str | None) -> Html:
    """Draw the right and the wrong rows of each bin of confidence."""
    edges = histogram.edges
    bins = list(zip(edges, edges[1:], histogram.correct, histogram.wrong, strict=False))
    most = max((right + wrong for _, _, right, wrong in bins), default=0)
    x, ends = _SHARES, (_BOTTOM, _STACK_TOP)
    y = around((0.0, float(max(1, most))), *ends, about=8) or Scale(0, 1, *ends)
    marks = (("right", el("rect", width=12, height=12, class_="bar right")), ("wrong", hatched(0, 0, 12, 12)))
    drawn = chart(
        "histogram",
        "Rows by confidence and correctness",
        _describe_stacks(histogram, bins),
        legend(marks, 4),
        y_axis(y, "Rows", write.tick_count),
        *(_stack(each, x, y) for each in bins),
        x_axis(x, _BOTTOM, "Confidence", "{:g}".format),
        height=345,
    )
    columns: Columns[_Stack] = [
        (Column("Confidence", "num"), lambda each: f"{each[0]:.2f} to {each[1]:.2f}"),
        ("Right", lambda each: write.count(each[2])),
        ("Wrong", lambda each: write.count(each[3])),
    ]
    listed = list_table("Right and wrong rows by confidence", columns, bins)
    return figure("Right and wrong by confidence", takeaway, drawn, listed)


def _stack(each: _Stack, x: Scale, y: Scale) -> Html:
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


def _describe_stacks(histogram: Histogram, bins: Sequence[_Stack]) -> str:
    if not bins:
        return "There are no rows."
    low, high, top_right, top_wrong = bins[-1]
    return (
        f"{write.rows(sum(histogram.correct))} right and {write.rows(sum(histogram.wrong))} wrong. With a confidence "
        f"from {low:.2f} to {high:.2f}, {write.rows(top_right)} are right and {write.rows(top_wrong)} wrong."
    )


def risk_and_coverage(points: Sequence[RiskPoint], gate: Gate) -> Html:
    """Draw the share of errors by the share of rows that are accepted, the risk that is allowed, and the gate."""
    settled = [point.risk for point in points if point.coverage >= _NOISY] or [point.risk for point in points]
    most = min(1.0, max([*settled, gate.max_risk * 1.25, 0.01]))
    x, ends = _SHARES, (_BOTTOM, _TOP)
    y = around((0.0, most), *ends, about=4) or Scale(0, 1, *ends)
    line = path((x(point.coverage), y(point.risk)) for point in points)
    whole = f"With all rows accepted, {write.percent(points[-1].risk)} are errors. " if points else ""
    drawn = chart(
        "risk-coverage",
        "Risk-coverage curve",
        whole + gate.sentence if points else "There are no points.",
        y_axis(y, "Share of errors", write.level),
        _gate(gate, x, y),
        el("path", d=line, class_="curve wrong") if points else None,
        x_axis(x, _BOTTOM, "Share of rows that are accepted, most confident first", write.level),
        height=345,
    )
    last = len(points) - 1
    listed = sorted({round(index * last / (_LISTED - 1)) for index in range(_LISTED)}) if points else []
    columns: Columns[int] = [
        (Column("Rows accepted", "num"), lambda index: write.percent(points[index].coverage)),
        ("Errors among them", lambda index: write.percent(points[index].risk)),
        ("Confidence from", lambda index: write.confidence(points[index].threshold)),
    ]
    caption = f"Points of the curve ({len(listed)} of {write.count(len(points))})"
    return figure("Risk and coverage", gate.sentence, drawn, list_table(caption, columns, listed))


def _gate(gate: Gate, x: Scale, y: Scale) -> Html:
    allowed = f"allowed: {write.level(gate.max_risk)}"
    shapes = []
    if gate.threshold is not None:
        place = x(gate.coverage)
        shapes.append(el("rect", x=x(0), y=_TOP, width=place - x(0), height=_BOTTOM - _TOP, class_="accepted"))
        shapes.append(el("line", x1=place, x2=place, y1=_TOP, y2=_BOTTOM, class_="gate"))
        said = f"gate: {write.percent(gate.coverage)} above {write.confidence(gate.threshold)}"
        anchor, x_text = ("end", place - 6) if place > (LEFT + RIGHT) / 2 else ("start", place + 6)
        shapes.append(el("text", said, x=x_text, y=_TOP + 12, text_anchor=anchor, class_="strong"))
    level = y(gate.max_risk)
    shapes.append(el("line", x1=x(0), x2=x(1), y1=level, y2=level, class_="reference"))
    shapes.append(el("text", allowed, x=x(1), y=level + 13, text_anchor="end", class_="note"))
    return join(*shapes)
