"""Exact, mergeable aggregation: the same bits for every partition and order of the rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from evalayer._errors import IllegalAggregation, suggest

Aggregation: TypeAlias = Literal["average", "sum", "min", "max"]
AGGREGATIONS: Final[tuple[Aggregation, ...]] = get_args(Aggregation)

# Every finite double is a whole number of 2**-1074, so a Python int holds any sum of them exactly.
_BITS: Final = 1074
_ONE: Final = 1 << _BITS
_LARGEST: Final = sys.float_info.max
_EXTREMA: Final = {"min": min, "max": max}


def checked_aggregation(name: str) -> Aggregation:
    """Return `name` if the container has such an aggregation.

    Raises:
        IllegalAggregation: it has not.
    """
    for known in AGGREGATIONS:
        if name == known:
            return known
    raise IllegalAggregation(f"unknown aggregation {name!r}{suggest(name, AGGREGATIONS)}")


class Aggregator:
    """Folds rows of named numbers, each name by itself, as the evaluation container does.

    Sums are exact and rounded once at the end, like `math.fsum`; an average is that sum divided by the number of
    rows that reported the name, like `statistics.fmean`. Aggregators of parts of the data merge into the
    aggregator of the whole. Where a sum is too large for a double, its value is an infinity, and the average is
    the correctly rounded quotient.

    >>> rows = Aggregator("average")
    >>> for value in (0.1, 0.2, 0.3):
    ...     rows.add({"score": value})
    >>> rows.values()
    {'score': 0.19999999999999998}
    """

    __slots__ = ("_folds", "aggregation", "rows")

    def __init__(self, aggregation: str) -> None:
        self.aggregation: Final = checked_aggregation(aggregation)
        self.rows = 0
        self._folds: dict[str, _Fold] = {}

    def add(self, row: Mapping[str, float]) -> None:
        """Fold one row in.

        Raises:
            ValueError: a number is not finite; the aggregator is then as it was.
        """
        for name, value in row.items():
            if not -_LARGEST <= value <= _LARGEST:
                raise ValueError(f"{name} is not a finite number: only those can be aggregated")
        self.rows += 1
        folds = self._folds
        extremum = _EXTREMA.get(self.aggregation)
        for name, value in row.items():
            fold = folds.get(name)
            if fold is None:
                fold = folds[name] = _Fold()
            fold.count += 1
            if extremum is not None:
                single = float(value) + 0.0  # one zero, not two: the order of rows must not show
                fold.extreme = single if fold.extreme is None else extremum(fold.extreme, single)
            elif value:
                fold.total += _ONE if value == 1.0 else _scaled(float(value))

    def merge(self, other: Aggregator) -> None:
        """Fold in everything that another aggregator has folded.

        Raises:
            IllegalAggregation: it aggregates in another way.
        """
        if other.aggregation != self.aggregation:
            raise IllegalAggregation(f"cannot merge {other.aggregation} into {self.aggregation}")
        self.rows += other.rows
        extremum = _EXTREMA.get(self.aggregation)
        for name, theirs in other._folds.items():
            ours = self._folds.setdefault(name, _Fold())
            ours.count += theirs.count
            ours.total += theirs.total
            if extremum is not None and theirs.extreme is not None:
                ours.extreme = theirs.extreme if ours.extreme is None else extremum(ours.extreme, theirs.extreme)

    def count(self, name: str) -> int:
        """The number of rows that reported `name`."""
        return self._folds[name].count if name in self._folds else 0

    def values(self) -> dict[str, float]:
        """The folded value of every name, in order of name."""
        return {name: self._value(self._folds[name]) for name in sorted(self._folds)}

    def _value(self, fold: _Fold) -> float:
        if fold.extreme is not None:
            return fold.extreme
        try:
            total = fold.total / _ONE  # true division of ints rounds correctly
        except OverflowError:
            if self.aggregation == "average":
                return fold.total / (fold.count << _BITS)
            return float("inf") if fold.total > 0 else float("-inf")
        return total / fold.count if self.aggregation == "average" else total


class _Fold:
    """One name's rows: how many, their sum in units of 2**-1074, and their extreme under min and max."""

    __slots__ = ("count", "extreme", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0
        self.extreme: float | None = None


def _scaled(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator << (_BITS + 1 - denominator.bit_length())
