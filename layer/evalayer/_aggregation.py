"""Exact, mergeable aggregation: the same bits for every partition and order of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from evalayer._errors import IllegalAggregation, suggest

Aggregation: TypeAlias = Literal["average", "sum", "min", "max"]
AGGREGATIONS: Final[tuple[Aggregation, ...]] = get_args(Aggregation)

# Every finite double is a whole number of 2**-1074, so a Python int holds any sum of them exactly.
_BITS: Final = 1074
_ONE: Final = 1 << _BITS


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

    __slots__ = ("_counts", "_folded", "aggregation", "rows")

    def __init__(self, aggregation: str) -> None:
        self.aggregation: Final = checked_aggregation(aggregation)
        self.rows = 0
        self._counts: dict[str, int] = {}
        self._folded: dict[str, int | float] = {}

    def add(self, row: Mapping[str, float]) -> None:
        """Fold one row in.

        Raises:
            ValueError: a number is not finite; the aggregator is then as it was.
        """
        for name, value in row.items():
            if value - value != 0.0:
                raise ValueError(f"{name} is {value}: only finite numbers can be aggregated")
        self.rows += 1
        counts, folded = self._counts, self._folded
        extremum = {"min": min, "max": max}.get(self.aggregation)
        for name, value in row.items():
            counts[name] = counts.get(name, 0) + 1
            if extremum is not None:
                single = float(value) + 0.0  # one zero, not two: the order of rows must not show
                folded[name] = extremum(folded[name], single) if name in folded else single
            elif value == 0.0:
                folded.setdefault(name, 0)
            elif value == 1.0:
                folded[name] = folded.get(name, 0) + _ONE
            else:
                folded[name] = folded.get(name, 0) + _scaled(float(value))

    def merge(self, other: Aggregator) -> None:
        """Fold in everything that another aggregator has folded.

        Raises:
            IllegalAggregation: it aggregates in another way.
        """
        if other.aggregation != self.aggregation:
            raise IllegalAggregation(f"cannot merge {other.aggregation} into {self.aggregation}")
        self.rows += other.rows
        extremum = {"min": min, "max": max}.get(self.aggregation)
        for name, theirs in other._folded.items():
            self._counts[name] = self._counts.get(name, 0) + other._counts[name]
            if name not in self._folded:
                self._folded[name] = theirs
            elif extremum is not None:
                self._folded[name] = extremum(self._folded[name], theirs)
            else:
                self._folded[name] += theirs

    def count(self, name: str) -> int:
        """The number of rows that reported `name`."""
        return self._counts.get(name, 0)

    def values(self) -> dict[str, float]:
        """The folded value of every name, in order of name."""
        return {name: self._value(name) for name in sorted(self._folded)}

    def _value(self, name: str) -> float:
        folded = self._folded[name]
        if isinstance(folded, float):
            return folded
        try:
            total = folded / _ONE  # true division of ints rounds correctly
        except OverflowError:
            if self.aggregation == "average":
                return folded / (self._counts[name] << _BITS)
            return float("inf") if folded > 0 else float("-inf")
        return total / self._counts[name] if self.aggregation == "average" else total


def _scaled(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator << (_BITS + 1 - denominator.bit_length())
