"""What the charts share: where a number goes, the frame, the axes, the hatching."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evalayer_lab.report.html._markup import Html, el, join

WIDTH: Final = 400
LEFT, RIGHT = 46.0, 384.0
_HATCH: Final = 5.0  # from one diagonal to the next, along an axis


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`, drawn from `start` to `end`. What lies beyond its ends is drawn at its ends."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Give the place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * max(0.0, min(1.0, share))

    def ticks(self, about: int = 5) -> Sequence[float]:
        """Choose round numbers on the axis."""
        step = _round_step((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 12) for index in range(first, last + 1)]


def around(values: Iterable[float | None], start: float, end: float, *, about: int = 5) -> Scale | None:
    """Make an axis with round ends that holds all values; shares stay within 0 and 1.

    Returns:
        None if there is no value, or if they are too large to be drawn.
    """
    given = [value for value in values if value is not None and abs(value) < 1e12]
    if not given:
        return None
    low, high = min(given), max(given)
    if high - low < 1e-9 * max(abs(low), abs(high), 1.0):
        margin = max(abs(low) / 10, 0.001)
        low, high = low - margin, high + margin
    step = _round_step((high - low) / about)
    ends = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    if min(given) >= 0 and max(given) <= 1:
        ends = max(0.0, ends[0]), min(1.0, ends[1])
    return Scale(round(ends[0], 12), round(ends[1], 12), start, end)


def chart(key: str, title: str, description: str, *shapes: str | None, height: float) -> Html:
    """Make a chart with a name and a description for those who do not see it.

    Args:
        key: what its ids start with; unique in the page.
        title: its name.
        description: what it shows, in a sentence or two.
        shapes: what is drawn.
        height: in units of which its width has 400.
    """
    names = (el("title", title, id=f"{key}-name"), el("desc", description, id=f"{key}-text"))
    given = {"viewBox": f"0 0 {WIDTH} {height:g}", "aria_labelledby": f"{key}-name", "aria_describedby": f"{key}-text"}
    return el("svg", *names, *shapes, role="img", class_="chart", **given)


def x_axis(scale: Scale, y: float, title: str, write: Callable[[float], str]) -> Html:
    """Draw a horizontal axis at `y` with its title below."""
    ticks = [
        join(
            el("line", x1=scale(tick), x2=scale(tick), y1=y, y2=y + 4, class_="axis"),
            el("text", write(tick), x=scale(tick), y=y + 17, text_anchor="middle", class_="tick"),
        )
        for tick in scale.ticks()
    ]
    line = el("line", x1=scale.start, x2=scale.end, y1=y, y2=y, class_="axis")
    middle = (scale.start + scale.end) / 2
    return join(line, *ticks, el("text", title, x=middle, y=y + 35, text_anchor="middle", class_="label"))


def y_axis(scale: Scale, title: str, write: Callable[[float], str]) -> Html:
    """Draw lines across the chart at the ticks of a vertical axis that have a text, with its title above."""
    ticks = [
        join(
            el("line", x1=LEFT, x2=RIGHT, y1=scale(tick), y2=scale(tick), class_="grid"),
            el("text", write(tick), x=LEFT - 7, y=scale(tick) + 4, text_anchor="end", class_="tick"),
        )
        for tick in scale.ticks()
        if write(tick)
    ]
    return join(*ticks, el("text", title, x=2, y=scale.end - 12, class_="label"))


def path(points: Iterable[tuple[float, float]]) -> str:
    """Write a line through points as the data of a path."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def hatched(x: float, y: float, width: float, height: float) -> Html:
    """Draw a bar of what is wrong, with diagonals: a fill by pattern would be a bitmap of megabytes on paper."""
    ends = [
        ((x + min(c, width), y + c - min(c, width)), (x + c - min(c, height), y + min(c, height)))
        for c in np.arange(_HATCH / 2, width + height, _HATCH)
    ]
    outline = el("rect", x=x, y=y, width=width, height=height, class_="hatched")
    return join(outline, el("path", d="".join(map(path, ends)), class_="hatching") if ends else None)


def legend(entries: Sequence[tuple[str, Html]], y: float) -> Html:
    """Draw what marks mean in a row: pairs of a text and a mark of 12 by 12."""
    shapes, x = [], LEFT
    for text, mark in entries:
        shapes.append(el("g", mark, el("text", text, x=18, y=10, class_="tick"), transform=f"translate({x:g},{y:g})"))
        x += 34 + 7 * len(text)
    return join(*shapes)


def _round_step(step: float) -> float:
    """Round a step up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
