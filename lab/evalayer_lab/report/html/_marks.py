"""Marks within the cells of a table: intervals on a common axis, and bars. They stretch with it, text does not."""

from __future__ import annotations

import math

from evalayer_lab.report import write
from evalayer_lab.report.html._chart import Scale, around
from evalayer_lab.report.html._layout import Column
from evalayer_lab.report.html._markup import Html, el, join
from evalayer_lab.statistics import Estimate

_START, _END = 5.0, 95.0  # percent of the cell's width


def shade(share: float, *, right: bool = False) -> str:
    """The class that colours a cell: from nothing to all in seven steps, of what is wrong or of what is right."""
    return f"{'r' if right else 'w'}{math.ceil(max(0.0, min(1.0, share)) * 6)}"


def axis_for(*estimates: Estimate, also: tuple[float | None, ...] = ()) -> Scale | None:
    """Make an axis that holds all estimates with their intervals."""
    given = [value for estimate in estimates for value in (estimate.value, estimate.low, estimate.high)]
    return around([*given, *also], _START, _END, about=4)


def gauge(estimate: Estimate) -> Html:
    """Draw a share and its interval on a line from 0 to 1."""
    track = el("line", x1="0", x2="100%", y1="50%", y2="50%", class_="axis")
    return interval_mark(estimate, Scale(0.0, 1.0, 0.0, 100.0), behind=track, height=14)


def plot(title: str, scale: Scale | None, *, sign: bool = False) -> Column:
    """Make the column of marks on one axis, drawn in its header."""
    if scale is None:
        return Column(title, "plot")
    ticks = scale.ticks(4)
    labels = [
        el("text", _tick(tick, sign=sign), x=_at(scale, tick), y=11, text_anchor="middle", class_="tick")
        for tick in ticks
    ]
    name = f"Axis from {_tick(ticks[0], sign=sign)} to {_tick(ticks[-1], sign=sign)}" if ticks else "Axis"
    return Column(join(title, _drawing(name, *labels, height=14)), "plot")


def interval_mark(
    estimate: Estimate,
    scale: Scale | None,
    reference: float | None = None,
    *,
    tone: str = "",
    behind: Html | None = None,
    height: int = 26,
) -> Html:
    """Draw an estimate as a dot on its interval, with a line at a reference value.

    Args:
        estimate: what to draw.
        scale: the axis of the column.
        reference: the value of all rows, or 0 for a difference.
        tone: a class that colours it, "right" or "wrong".
        behind: what it is drawn on.
        height: in pixels.
    """
    if scale is None or estimate.value is None:
        return Html("")
    shapes = [] if behind is None else [behind]
    if reference is not None:
        place = _at(scale, reference)
        shapes.append(el("line", x1=place, x2=place, y1="0", y2="100%", class_="reference"))
    shapes += _whisker(estimate, scale, tone)
    shapes.append(el("circle", cx=_at(scale, estimate.value), cy="50%", r=4, class_=f"dot {tone}".strip()))
    return _drawing(_beside(estimate, reference), *shapes, height=height)


def bar(estimate: Estimate, most: float) -> Html:
    """Draw the share of what is wrong as a bar with its interval, of a column whose longest is `most`."""
    if estimate.value is None or most <= 0:
        return Html("")
    name = f"{write.percent(estimate.value)}, interval {write.percent(estimate.low)} to {write.percent(estimate.high)}"
    scale = Scale(0.0, most, 0.0, 98.0)
    filled = el("rect", x="0", y="25%", width=_at(scale, estimate.value), height="50%", class_="bar wrong")
    return _drawing(name, filled, *_whisker(estimate, scale), height=22)


def _whisker(estimate: Estimate, scale: Scale, tone: str = "") -> list[Html]:
    if estimate.low is None or estimate.high is None:
        return []
    ends = {"x1": _at(scale, estimate.low), "x2": _at(scale, estimate.high)}
    return [el("line", **ends, y1="50%", y2="50%", class_=f"whisker {tone}".strip())]


def _beside(estimate: Estimate, reference: float | None) -> str:
    """Say what the drawing adds to the figures beside it."""
    if reference is None:
        return f"{write.number(estimate.value)}, interval {write.interval(estimate)}"
    against = write.number(reference)
    if estimate.low is not None and estimate.low > reference:
        return f"The interval lies above {against}"
    if estimate.high is not None and estimate.high < reference:
        return f"The interval lies below {against}"
    return f"The interval holds {against}" if estimate.low is not None else f"Beside {against}"


def _drawing(name: str, *shapes: Html, height: int) -> Html:
    return el(
        "svg", el("title", name), *shapes, width="100%", height=height, role="img", aria_label=name, class_="mark"
    )


def _at(scale: Scale, value: float) -> str:
    return f"{round(scale(value), 2):g}%"


def _tick(value: float, *, sign: bool) -> str:
    shown = f"{value:,g}"
    return f"+{shown}" if sign and value > 0 else shown
