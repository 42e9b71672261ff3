"""The risk-coverage curve: what share of errors comes with what share of rows, most confident first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalayer_lab.report._document import Gate, RiskPoint
from evalayer_lab.report._figures import confidence as exact
from evalayer_lab.report.html import _format as fmt
from evalayer_lab.report.html._chart import LEFT, RIGHT, chart, path, x_axis, y_axis
from evalayer_lab.report.html._layout import Column, table
from evalayer_lab.report.html._markup import Html, cut, el, join
from evalayer_lab.report.html._scale import Scale

_TOP, _BOTTOM = 26.0, 300.0
_NOISY: Final = 0.05  # coverage below which the curve stands on a few rows and does not set the height of the axis
_LISTED: Final = 20


def risk_coverage_chart(points: Sequence[RiskPoint], gate: Gate) -> Html:
    """Draw the curve, the risk that is allowed, and the gate."""
    settled = [point.risk for point in points if point.coverage >= _NOISY] or [point.risk for point in points]
    most = max([*settled, gate.max_risk * 1.25, 0.01])
    x, y = Scale(0, 1, LEFT, RIGHT), _axis(min(1.0, most))
    line = path((x(point.coverage), y(point.risk)) for point in points)
    return chart(
        "risk-coverage",
        "Risk-coverage curve",
        _description(points, gate),
        y_axis(y, "Share of errors", _tick),
        _gate(gate, x, y),
        el("path", d=line, class_="curve wrong") if points else None,
        x_axis(x, _BOTTOM, "Share of rows that are accepted, most confident first", _tick),
        height=345,
    )


def risk_coverage_table(points: Sequence[RiskPoint]) -> Html:
    """List some twenty points of the curve, evenly spaced, the first and the last among them."""
    last = len(points) - 1
    picked = sorted({round(index * last / (_LISTED - 1)) for index in range(_LISTED)}) if last > 0 else range(last + 1)
    rows = [
        (fmt.percent(points[index].coverage), fmt.percent(points[index].risk), exact(points[index].threshold))
        for index in picked
    ]
    columns = [Column("Rows accepted"), Column("Errors among them"), Column("Confidence from")]
    return table(f"Points of the curve ({len(rows)} of {fmt.count(len(points))})", columns, rows)


def _gate(gate: Gate, x: Scale, y: Scale) -> Html:
    allowed = f"allowed: {fmt.level(gate.max_risk)}"
    shapes = []
    if gate.threshold is not None:
        place = x(gate.coverage)
        shapes.append(el("rect", x=x(0), y=_TOP, width=place - x(0), height=_BOTTOM - _TOP, class_="accepted"))
        shapes.append(el("line", x1=place, x2=place, y1=_TOP, y2=_BOTTOM, class_="gate"))
        said = f"gate: {fmt.percent(gate.coverage)} above {exact(gate.threshold)}"
        anchor, x_text = ("end", place - 6) if place > (LEFT + RIGHT) / 2 else ("start", place + 6)
        shapes.append(el("text", said, x=x_text, y=_TOP + 12, text_anchor=anchor, class_="strong"))
    level = y(gate.max_risk)
    shapes.append(el("line", x1=x(0), x2=x(1), y1=level, y2=level, class_="reference"))
    shapes.append(el("text", allowed, x=x(1), y=level + 13, text_anchor="end", class_="note"))
    return join(*shapes)


def _tick(value: float) -> str:
    return f"{round(value * 100, 6):g}%"


def _axis(most: float) -> Scale:
    rough = Scale(0, most, 0, 1).ticks(4)
    step = rough[1] - rough[0]
    steps = -int(-most // step)
    return Scale(0, step * steps, _BOTTOM, _TOP)


def _description(points: Sequence[RiskPoint], gate: Gate) -> str:
    if not points:
        return "There are no points."
    whole = points[-1]
    said = f"With all rows accepted, {fmt.percent(whole.risk)} are errors. "
    return said + cut(gate.sentence, 500)
