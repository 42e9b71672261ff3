"""The charts of confidence: reliability, right and wrong rows by confidence, risk and coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from evalayer_lab.report import write
from evalayer_lab.report._document import Gate, Histogram, RiskPoint
from evalayer_lab.report.html._chart import LEFT, RIGHT, Scale, around, chart, hatched, legend, path, x_axis, y_axis
from evalayer_lab.report.html._layout import Column, stated, table
from evalayer_lab.report.html._markup import Html, el, join
from evalayer_lab.statistics import ReliabilityBin

_TOP = 26.0
_RELIABILITY_BOTTOM, _BOTTOM = 266.0, 300.0
_STRIP_TOP, _STRIP_BOTTOM = 296.0, 338.0
_STACK_TOP = 56.0
_NOISY: Final = 0.05  # coverage below which the curve stands on a few rows and does not set the height of the axis
_LISTED: Final = 20


def reliability_chart(bins: Sequence[ReliabilityBin]) -> Html:
    """Draw accuracy by confidence with its intervals, beside the diagonal, over a strip with the rows of each bin."""
    x, y = Scale(0, 1, LEFT, RIGHT), Scale(0, 1, _RELIABILITY_BOTTOM, _TOP)
    diagonal = el("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="reference")
    said = el("text", "perfectly calibrated", x=x(0.03), y=y(0.03) - 9, class_="note", transform=_along(x, y))
    filled = [each for each in bins if each.n > 0]
    return chart(
        "reliability",
        "Reliability diagram",
        _describe_bins(filled),
        y_axis(y, "Share that is right", _tick),
        diagonal,
        said,
        *(_point(each, x, y) for each in filled),
        el("text", "Rows", x=2, y=_STRIP_TOP - 10, class_="label"),
        *_strip(filled, x),
        x_axis(x, _STRIP_BOTTOM, "Confidence", _tick),
        height=380,
    )


def reliability_table(bins: Sequence[ReliabilityBin]) -> Html:
    """List the bins."""
    columns = (Column("Confidence", "num"), "Rows", "Mean confidence", "Share right, with its interval")
    rows = [
        (
            f"{each.low:.2f} to {each.high:.2f}",
            write.count(each.n),
            write.number(each.mean_confidence),
            stated(each.accuracy),
        )
        for each in bins
    ]
    return table("Rows, confidence and accuracy by bin of confidence", columns, rows)


def _point(each: ReliabilityBin, x: Scale, y: Scale) -> Html:
    place = x(each.mean_confidence if each.mean_confidence is not None else (each.low + each.high) / 2)
    estimate = each.accuracy
    shapes = []
    if estimate.low is not None and estimate.high is not None:
        shapes.append(el("line", x1=place, x2=place, y1=y(estimate.low), y2=y(estimate.high), class_="whisker right"))
    if estimate.value is not None:
        shapes.append(el("circle", cx=place, cy=y(estimate.value), r=4.5, class_="dot right"))
    return join(*shapes)


def _strip(bins: Sequence[ReliabilityBin], x: Scale) -> list[Html]:
    most = max((each.n for each in bins), default=1)
    shapes = []
    for each in bins:
        left, right = x(each.low), x(each.high)
        height = max(1.0, (_STRIP_BOTTOM - _STRIP_TOP) * (each.n / most))
        top, middle = _STRIP_BOTTOM - height, (left + right) / 2
        width = max(1.0, right - left - 2)
        shapes.append(el("rect", x=left + 1, y=top, width=width, height=height, class_="bar right"))
        said = write.short_count(each.n)
        shapes.append(el("text", said, x=middle, y=top - 4, text_anchor="middle", class_="count"))
    return shapes


def _describe_bins(bins: Sequence[ReliabilityBin]) -> str:
    said = [
        f"{write.rows(each.n)} with a mean confidence of {write.number(each.mean_confidence)}: "
        f"{write.number(each.accuracy.value)} are right"
        for each in bins
    ]
    return f"Below the diagonal, rows are right less often than their confidence says. {'; '.join(said)}."


def _along(x: Scale, y: Scale) -> str:
    """Turn a text at the lower left to run along the diagonal."""
    angle = math.degrees(math.atan2(y(1) - y(0), x(1) - x(0)))
    return f"rotate({angle:.1f} {x(0.03):.1f} {y(0.03):.1f})"


def _tick(value: float) -> str:
    return f"{value:g}"


def histogram_chart(histogram: Histogram) -> Html:
    """Draw the rows of each bin."""
    bins = _histogram_bins(histogram)
    most = max((right + wrong for _, _, right, wrong in bins), default=0)
    x = Scale(0, 1, LEFT, RIGHT)
    y = around((0.0, float(max(1, most))), _BOTTOM, _STACK_TOP, about=8) or Scale(0, 1, _BOTTOM, _STACK_TOP)
    if y.high <= 1:
        y = Scale(0, max(1.0, float(most)), _BOTTOM, _STACK_TOP)
    marks = (
        ("right", el("rect", width=12, height=12, class_="bar right")),
        ("wrong", hatched(0, 0, 12, 12)),
    )
    return chart(
        "histogram",
        "Rows by confidence and correctness",
        _describe_histogram(histogram),
        legend(marks, 4),
        y_axis(y, "Rows", write.tick_count),
        *(_stack(each, x, y) for each in bins),
        x_axis(x, _BOTTOM, "Confidence", _tick),
        height=345,
    )


def histogram_table(histogram: Histogram) -> Html:
    """List the bins."""
    rows = [
        (f"{low:.2f} to {high:.2f}", write.count(right), write.count(wrong))
        for low, high, right, wrong in _histogram_bins(histogram)
    ]
    return table("Right and wrong rows by confidence", [Column("Confidence", "num"), "Right", "Wrong"], rows)


def _histogram_bins(histogram: Histogram) -> list[tuple[float, float, int, int]]:
    edges = histogram.edges
    return list(zip(edges, edges[1:], histogram.correct, histogram.wrong, strict=False))


def _stack(each: tuple[float, float, int, int], x: Scale, y: Scale) -> Html:
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


def _describe_histogram(histogram: Histogram) -> str:
    right, wrong = sum(histogram.correct), sum(histogram.wrong)
    bins = _histogram_bins(histogram)
    if not bins:
        return "There are no rows."
    low, high, top_right, top_wrong = bins[-1]
    return (
        f"{write.rows(right)} right and {write.rows(wrong)} wrong. With a confidence from {low:.2f} to {high:.2f}, "
        f"{write.rows(top_right)} are right and {write.rows(top_wrong)} wrong."
    )


def risk_coverage_chart(points: Sequence[RiskPoint], gate: Gate) -> Html:
    """Draw the curve, the risk that is allowed, and the gate."""
    settled = [point.risk for point in points if point.coverage >= _NOISY] or [point.risk for point in points]
    most = max([*settled, gate.max_risk * 1.25, 0.01])
    x, y = Scale(0, 1, LEFT, RIGHT), _risk_axis(min(1.0, most))
    line = path((x(point.coverage), y(point.risk)) for point in points)
    return chart(
        "risk-coverage",
        "Risk-coverage curve",
        _describe_risk(points, gate),
        y_axis(y, "Share of errors", write.level),
        _gate(gate, x, y),
        el("path", d=line, class_="curve wrong") if points else None,
        x_axis(x, _BOTTOM, "Share of rows that are accepted, most confident first", write.level),
        height=345,
    )


def risk_coverage_table(points: Sequence[RiskPoint]) -> Html:
    """List some twenty points of the curve, evenly spaced, the first and the last among them."""
    last = len(points) - 1
    picked = sorted({round(index * last / (_LISTED - 1)) for index in range(_LISTED)}) if last > 0 else range(last + 1)
    rows = [
        (
            write.percent(points[index].coverage),
            write.percent(points[index].risk),
            write.confidence(points[index].threshold),
        )
        for index in picked
    ]
    columns = (Column("Rows accepted", "num"), "Errors among them", "Confidence from")
    return table(f"Points of the curve ({len(rows)} of {write.count(len(points))})", columns, rows)


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


def _risk_axis(most: float) -> Scale:
    rough = Scale(0, most, 0, 1).ticks(4)
    step = rough[1] - rough[0]
    steps = -int(-most // step)
    return Scale(0, step * steps, _BOTTOM, _TOP)


def _describe_risk(points: Sequence[RiskPoint], gate: Gate) -> str:
    if not points:
        return "There are no points."
    whole = points[-1]
    said = f"With all rows accepted, {write.percent(whole.risk)} are errors. "
    return said + gate.sentence
