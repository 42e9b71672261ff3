"""Where a number goes on an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


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


def _round_step(step: float) -> float:
    """Round a step up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
